package image

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// TestImportEnded: what ends an import, with the words of its task.
func TestImportEnded(t *testing.T) {
	const failed = `[{"status":"failure","message":"it is gone","created_at":"2026-01-02T00:00:00Z"},{"status":"success","created_at":"2026-01-01T00:00:00Z"}]`
	for name, c := range map[string]struct {
		image, tasks string
		ended        bool
		want         string
	}{
		"not begun":           {`"status":"queued"`, `[]`, false, ""},
		"under way":           {`"status":"importing"`, `[]`, false, ""},
		"under way elsewhere": {`"status":"active","os_glance_importing_to_stores":"fast"`, `[]`, false, ""},
		"done":                {`"status":"active","os_glance_importing_to_stores":""`, `[]`, true, ""},
		"failed":              {`"status":"queued","os_glance_failed_import":"fast"`, failed, false, "it is gone"},
		"failed, said once":   {`"status":"queued"`, failed, false, "it is gone"},
		"failed, not told":    {`"status":"queued","os_glance_failed_import":"fast"`, `[]`, false, "does not tell why"},
		"copied to no store":  {`"status":"active","os_glance_failed_import":"fast"`, failed, false, "it is gone"},
		"another store":       {`"status":"active","os_glance_failed_import":"other"`, failed, true, ""},
		"killed":              {`"status":"killed"`, `[]`, false, "killed"},
	} {
		cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"tasks":%s}`, c.tasks)
		}))
		s := &gophercloud.ServiceClient{ProviderClient: &gophercloud.ProviderClient{HTTPClient: *cloud.Client()}, Endpoint: cloud.URL + "/"}
		var w wire
		if err := json.Unmarshal([]byte("{"+c.image+"}"), &w); err != nil {
			t.Fatal(err)
		}
		ended, err := importEnded(t.Context(), s, w, []string{"fast"})
		cloud.Close()
		if ended != c.ended || (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v", name, ended, err)
		}
	}
}

// TestReplaced: which change asks for other bytes.
func TestReplaced(t *testing.T) {
	s := types.StringValue
	url := func(u, sum string) model { return model{SourceURL: s(u), SHA512: client.StringOrNull(sum)} }
	copied := model{SourceImageID: s("i"), SHA512: s("x")}
	for name, c := range map[string]struct {
		config, state model
		sum, want     string
	}{
		"nothing":                   {url("a", ""), url("a", "x"), "", ""},
		"another URL":               {url("b", ""), url("a", "x"), "", "source_url"},
		"another URL, same bytes":   {url("b", "x"), url("a", "x"), "x", ""},
		"other bytes":               {url("a", "y"), url("a", "x"), "y", "sha512"},
		"imported":                  {url("a", ""), model{SHA512: s("x")}, "", ""},
		"imported, other bytes":     {url("a", "y"), model{SHA512: s("x")}, "y", "sha512"},
		"a cloud that tells none":   {url("a", "y"), url("a", ""), "y", ""},
		"another image, untold":     {model{SourceImageID: s("j")}, copied, "", "source_image_id"},
		"a URL instead of a copy":   {url("a", ""), copied, "", "source_url"},
		"the configuration is bare": {model{}, copied, "", ""},
	} {
		at, ok := replaced(c.config, c.state, c.sum)
		if got := at.String(); ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s: %s, %v", name, got, ok)
		}
	}
}
