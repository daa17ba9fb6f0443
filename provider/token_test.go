package provider_test

import (
	"archive/zip"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// issuer is a cloud whose tokens are noted: those that it gave, and those that were
// revoked.
type issuer struct {
	mu             sync.Mutex
	given, revoked []string
	url            string
}

func newIssuer(t *testing.T, c *cloudtest.Cloud) *issuer {
	t.Helper()
	i := &issuer{}
	i.url = c.Behind(t, func(p *httputil.ReverseProxy) http.Handler {
		p.ModifyResponse = func(r *http.Response) error {
			i.mu.Lock()
			defer i.mu.Unlock()
			switch token := r.Header.Get("X-Subject-Token"); {
			case r.Request.Method == http.MethodPost && token != "":
				i.given = append(i.given, token)
			case r.Request.Method == http.MethodDelete && r.StatusCode == http.StatusNoContent && r.Request.Header.Get("X-Subject-Token") != "":
				i.revoked = append(i.revoked, r.Request.Header.Get("X-Subject-Token"))
			}
			return nil
		}
		return p
	})
	return i
}

// TestAccTokenLeavesNoTrace: what Terraform writes to disk and to the terminal holds
// no token, and a token does not outlive the run that it was for.
func TestAccTokenLeavesNoTrace(t *testing.T) {
	cli := newCLI(t)
	cli.env = slices.DeleteFunc(cli.env, func(e string) bool { return strings.HasPrefix(e, "OS_") })
	c := cloudtest.Start(t, cloudtest.Options{Hosts: -1})
	i := newIssuer(t, c)
	dir := t.TempDir()
	cli.write(dir, "main.tf", "terraform {\n  required_providers {\n    cloudlet = { source = \"cloudlet/cloudlet\" }\n  }\n}\n"+
		strings.ReplaceAll(c.ProviderConfig("admin"), c.URL, i.url)+fmt.Sprintf(`
ephemeral "cloudlet_token" "demo" {
  project_name = "demo"
}
provider "cloudlet" {
  alias    = "demo"
  auth_url = "%s/identity/v3"
  token    = ephemeral.cloudlet_token.demo.token
}
resource "cloudlet_network" "n" {
  provider = cloudlet.demo
  name     = "n"
}
`, i.url))
	said := cli.run(dir, "terraform", "plan", "-no-color", "-out=plan")
	said += cli.run(dir, "terraform", "show", "-json", "plan")
	said += cli.run(dir, "terraform", "apply", "-no-color", "plan")
	if state := cli.run(dir, "terraform", "show", "-json"); !strings.Contains(state, `"cloudlet_network"`) {
		t.Errorf("no network is in the state: %s", state)
	}
	said += cli.run(dir, "terraform", "plan", "-no-color", "-detailed-exitcode")
	written := said + contents(t, dir)
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.revoked) != 3 { // a plan, an apply, a plan
		t.Errorf("%d tokens were revoked", len(i.revoked))
	}
	for _, token := range i.given {
		if strings.Contains(written, token) {
			t.Error("a token is written down")
		}
	}
	for _, token := range i.revoked {
		if !slices.Contains(i.given, token) {
			t.Error("a token was revoked that was not given")
		}
		rq, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URL+"/image/v2/images", nil)
		if err != nil {
			t.Fatal(err)
		}
		rq.Header.Set("X-Auth-Token", token)
		resp, err := http.DefaultClient.Do(rq)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("a token outlived its run: %s", resp.Status)
		}
	}
}

// contents returns what is in the files under a directory, and in the archives among
// them.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	files := 0
	err := filepath.WalkDir(dir, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(file)
		all.Write(b)
		archive, notOne := zip.OpenReader(file)
		if notOne != nil {
			return err
		}
		defer archive.Close()
		for _, f := range archive.File {
			r, err := f.Open()
			if err != nil {
				return err
			}
			if _, err := io.Copy(&all, r); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil || files < 3 || !strings.Contains(all.String(), "cloudlet_network") { // main.tf, plan, terraform.tfstate
		t.Fatalf("%d files: %v", files, err)
	}
	return all.String()
}
