package nova

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/compute"
)

func TestServerList(t *testing.T) {
	w := newWorld(t)
	ids := map[string]string{}
	for _, s := range []struct{ at, name, more string }{
		{"ann@2.52", "alpha", `"networks":"none","tags":["red","big"],"metadata":{"k":"v"},"config_drive":true`},
		{"ann@2.52", "beta", `"networks":[{"uuid":"` + w.network + `","fixed_ip":"10.1.0.77"}],"tags":["red"]`},
		{"ann@2.52", "gamma", `"networks":"none"`},
		{"bob@2.52", "delta", `"networks":"none"`},
	} {
		ids[s.name] = w.server(s.at, s.name, s.more)
	}
	w.observe(ids["alpha"], compute.Observed{Power: compute.Running})
	w.observe(ids["beta"], compute.Observed{Fault: "no"})
	w.post("ann@2.73", "/servers/"+ids["gamma"]+"/action", `{"lock":{"locked_reason":"mine"}}`).want(202)
	future := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)

	for _, c := range []struct {
		at, query string
		want      string
	}{
		{"ann", "", "gamma beta alpha"},
		{"ann", "?sort_key=display_name&sort_dir=asc", "alpha beta gamma"},
		{"ann", "?sort_key=display_name", "gamma beta alpha"},
		{"ann", "?sort_key=vm_state&sort_dir=asc&sort_key=uuid&sort_dir=desc", "alpha gamma beta"},
		{"ann", "?name=al", "alpha"},
		{"ann", "?name=%5Ea|b", "beta alpha"},
		{"ann", "?status=active", "alpha"},
		{"ann", "?status=ERROR&status=BUILD", "gamma beta"},
		{"ann", "?status=nonsense", ""},
		{"ann", "?image=img&flavor=1", "gamma beta alpha"},
		{"ann", "?flavor=2", ""},
		{"ann", "?ip=10.1.0.7", "beta"},
		{"ann", "?ip6=.", ""},
		{"ann", "?uuid=" + ids["alpha"], "alpha"},
		{"ann", "?config_drive=true", "alpha"},
		{"ann", "?availability_zone=nova&user_id=ann", "gamma beta alpha"},
		{"ann", "?changes-since=2001-01-01T00:00:00Z", "gamma beta alpha"},
		{"ann", "?changes-since=" + future, ""},
		{"ann@2.66", "?changes-before=2001-01-01T00:00:00Z", ""},
		{"ann@2.65", "?changes-before=2001-01-01T00:00:00Z", "gamma beta alpha"},
		{"ann@2.26", "?tags=red,big", "alpha"},
		{"ann@2.26", "?tags-any=big,blue", "alpha"},
		{"ann@2.26", "?not-tags=red,big", "gamma beta"},
		{"ann@2.26", "?not-tags-any=red", "gamma"},
		{"ann@2.25", "?tags=red", "gamma beta alpha"},
		{"ann@2.73", "?locked=true", "gamma"},
		{"ann@2.73", "?locked=false", "beta alpha"},
		{"ann", "?project_id=p2", "gamma beta alpha"},
		{"ann", "?host=none", "gamma beta alpha"},
		{"ann", "?colour=red", "gamma beta alpha"},
		{"rita", "", "gamma beta alpha"},
		{"bob", "", "delta"},
		{"admin", "", ""},
		{"admin", "?all_tenants", "delta gamma beta alpha"},
		{"admin", "?all_tenants=True&project_id=p1&status=ACTIVE", "alpha"},
		{"admin", "?project_id=p2", "delta"},
		{"admin", "?tenant_id=p2&all_tenants=0", ""},
		{"admin", "?all_tenants=1&host=none", ""},
		{"ann", "?limit=2", "gamma beta"},
		{"ann", "?limit=2&marker=" + ids["beta"], "alpha"},
		{"ann", "?limit=0", ""},
	} {
		for _, path := range []string{"/servers", "/servers/detail"} {
			got := strings.Join(w.get(c.at, path+c.query).column("servers", "name"), " ")
			if got != c.want {
				t.Errorf("%s %s%s: %q, want %q", c.at, path, c.query, got, c.want)
			}
		}
	}
	for query, says := range map[string]string{
		"?limit=-1": "limit", "?limit=x": "limit", "?marker=" + ids["delta"]: "not found", "?sort_key=colour": "sort_key", "?sort_key=uuid&sort_dir=up": "sort_dir",
		"?changes-since=yesterday": "date-time", "?name=%5B": "regular expression", "?ip=%5B": "regular expression",
	} {
		w.call("ann", "GET", "/v2.1/servers"+query, "").fails(400, "", says)
	}
	w.call("ann", "GET", "/v2.1/servers?all_tenants=1", "").fails(403, "", "compute:instance:list_all")
	if got := w.get("ann", "/servers").keys("servers/0"); !slices.Equal(got, []string{"id", "links", "name"}) {
		t.Errorf("members of the short list: %v", got)
	}
}

func TestServerPages(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		w.server("ann@2.37", name, `"networks":"none"`)
	}
	for _, path := range []string{"/servers", "/servers/detail"} {
		var got []string
		for url := w.url + "/compute/v2.1" + path + "?limit=2&sort_key=display_name&sort_dir=asc"; url != ""; {
			a := w.call("ann", "GET", url, "").want(200)
			got = append(got, a.column("servers", "name")...)
			url = a.text("servers_links/0/href")
		}
		if !slices.Equal(got, []string{"a", "b", "c", "d", "e"}) {
			t.Errorf("%s page by page: %v", path, got)
		}
	}
}
