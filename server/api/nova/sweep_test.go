package nova

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/api/front/policy"
)

var wildcard = regexp.MustCompile(`\{[a-z]+\}`)

// row is a route row with its path below /compute and a microversion that has it.
type row struct {
	*front.Route
	path, version string
}

func (r row) String() string {
	s := r.Method + " " + r.path
	if r.Action != "" {
		s += " " + r.Action
	}
	return s
}

// rows returns all rows of the service that ask who calls.
func rows() (all []row) {
	front.Rows([]*front.Service{Service(Deps{})}, func(_ *front.Service, path string, r *front.Route) {
		if r.Rule == front.Public {
			return
		}
		version := "2.90"
		if r.Max != (front.Microversion{}) {
			version = r.Max.String()
		}
		all = append(all, row{r, strings.TrimPrefix(path, "/compute"), version})
	})
	return all
}

func (r row) body(text string) string {
	switch {
	case r.Method == "GET" || r.Method == "DELETE":
		return ""
	case text != "":
		return text
	case r.Action != "":
		return fmt.Sprintf("{%q:null}", r.Action)
	}
	return "{}"
}

// exempt lists the rows for which a check does not apply, each with its reason.
// An entry that is not needed fails the test as well.
type exempt map[string]string

func (e exempt) sweep(t *testing.T, check func(r row) bool) {
	t.Helper()
	unused := maps.Clone(e)
	for _, r := range rows() {
		ok := check(r)
		reason, known := e[r.String()]
		delete(unused, r.String())
		switch {
		case !ok && !known:
			t.Errorf("%s does not pass", r)
		case ok && known:
			t.Errorf("%s passes and needs no exemption (%s)", r, reason)
		}
	}
	for name := range unused {
		t.Errorf("the exemption of %s is for no row", name)
	}
}

func (a answer) is(status int) bool {
	name := map[int]string{400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound", 413: "overLimit"}[status]
	return a.status == status && len(a.keys("")) == 0 && a.at(name+"/code") == float64(status) && a.text(name+"/message") != "" && a.header.Get("X-Compute-Request-Id") != ""
}

// Every row in every state of not being right answers in Nova's envelope and
// changes nothing.
func TestSweep(t *testing.T) {
	w := newWorld(t)
	id := w.running("admin@2.26", "x", `"metadata":{"known":"v"}`)
	w.call("admin@2.26", "PUT", "/v2.1/servers/"+id+"/tags/known", "").want(201)
	w.post("admin", "/flavors/1/os-extra_specs", `{"extra_specs":{"known":"v"}}`).want(200)
	group := w.post("admin", "/os-server-groups", `{"server_group":{"name":"g","policies":["affinity"]}}`).want(200).text("server_group/id")
	// known fills a path with what there is.
	known := func(path string) string {
		id := map[string]string{"servers": id, "flavors": "1", "os-server-groups": group, "os-services": h1, "os-hypervisors": h1, "os-quota-sets": "p1", "os-quota-class-sets": "default",
			"os-security-groups": w.get("admin", "/os-security-groups").text("security_groups/0/id")}[strings.Split(path, "/")[2]]
		return wildcard.ReplaceAllString(strings.NewReplacer("{id}", id, "{pattern}", "h").Replace(path), "known")
	}
	all := rows()
	if len(all) < 70 {
		t.Fatalf("only %d rows", len(all))
	}

	t.Run("no token", func(t *testing.T) {
		exempt{}.sweep(t, func(r row) bool { return w.call("@"+r.version, r.Method, known(r.path), r.body("")).is(401) })
	})
	t.Run("a bad token", func(t *testing.T) {
		exempt{}.sweep(t, func(r row) bool { return w.call("junk@"+r.version, r.Method, known(r.path), r.body("")).is(401) })
	})
	t.Run("unknown id", func(t *testing.T) {
		all := exempt{}
		for _, path := range []string{"", "/detail", "/defaults"} {
			all["GET /v2.1/os-quota-sets/{id}"+path] = "Nova does not ask Keystone whether there is such a project"
		}
		all["GET /v2.1/os-quota-class-sets/{id}"] = "every class has the limits of the one there is"
		all["PUT /v2.1/os-quota-sets/{id}"] = "400: the body comes first"
		all["PUT /v2.1/os-quota-class-sets/{id}"] = "400: there is one class"
		all["DELETE /v2.1/os-quota-sets/{id}"] = "nothing to forget is no error, as in Nova"
		all.sweep(t, func(r row) bool {
			if !wildcard.MatchString(r.path) {
				return true
			}
			path := wildcard.ReplaceAllString(r.path, "11111111-1111-4111-8111-111111111111")
			return w.call("admin@"+r.version, r.Method, path, r.body("")).is(404)
		})
	})
	t.Run("unknown last part", func(t *testing.T) {
		exempt{
			"PUT /v2.1/servers/{id}/metadata/{key}":       "400: the body has to name it",
			"PUT /v2.1/servers/{id}/tags/{tag}":           "it makes the tag",
			"PUT /v2.1/flavors/{id}/os-extra_specs/{key}": "400: the body has to name it",
		}.sweep(t, func(r row) bool {
			if len(wildcard.FindAllString(r.path, -1)) < 2 {
				return true
			}
			path := strings.Replace(known(r.path), "known", "none", 1)
			defer w.call("admin@2.26", "DELETE", "/v2.1/servers/"+id+"/tags/none", "")
			return w.call("admin@"+r.version, r.Method, path, r.body("")).is(404)
		})
	})
	before := w.revision()
	t.Run("unknown field", func(t *testing.T) {
		exempt{"PUT /v2.1/servers/{id}/tags/{tag}": "it has no body"}.sweep(t, func(r row) bool {
			text := `{"bogus":{}}`
			if r.Action != "" {
				text = fmt.Sprintf(`{"bogus":{},%q:null}`, r.Action)
			}
			return r.body(text) == "" || w.call("admin@"+r.version, r.Method, known(r.path), text).is(400)
		})
	})
	t.Run("not JSON", func(t *testing.T) {
		exempt{"PUT /v2.1/servers/{id}/tags/{tag}": "it has no body"}.sweep(t, func(r row) bool {
			for _, text := range []string{`{`, `[]`, `7`, `"x"`, `{"a":1}{}`, "\xff"} {
				if r.body(text) != "" && !w.call("admin@"+r.version, r.Method, known(r.path), text).is(400) {
					return false
				}
			}
			return true
		})
	})
	t.Run("too large", func(t *testing.T) {
		text := strings.Repeat(" ", front.DefaultMaxBody+1)
		exempt{"PUT /v2.1/servers/{id}/tags/{tag}": "it has no body"}.sweep(t, func(r row) bool {
			return r.body(text) == "" || w.call("admin@"+r.version, r.Method, known(r.path), text).is(413)
		})
	})
	if w.revision() != before {
		t.Error("something changed")
	}
	t.Run("GET of what is there", func(t *testing.T) {
		exempt{
			"GET /v2.1/os-keypairs/{name}":                         "there is none",
			"GET /v2.1/flavors/{id}/os-flavor-access":              "the flavor is public",
			"GET /v2.1/servers/{id}/ips/{network}":                 "it has none of that name",
			"GET /v2.1/servers/{id}/os-interface/{port}":           "it has none of that id",
			"GET /v2.1/servers/{id}/os-instance-actions/{request}": "it has none of that id",
			"GET /v2.1/os-hypervisors/{id}/uptime":                 "501",
			"GET /v2.1/extensions/{alias}":                         "there is none of that name",
			"GET /v2.1/servers/{id}/tags/{tag}":                    "204",
		}.sweep(t, func(r row) bool {
			return r.Method != "GET" || w.call("admin@"+r.version, r.Method, known(r.path), "").status == 200
		})
	})
}

// Every rule that a row asks for is one that policy has: an unknown rule is
// denied to everybody.
func TestRulesAreKnown(t *testing.T) {
	rules, err := policy.Load("")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows() {
		if r.Rule != front.Authenticated && !slices.Contains(rules.Names(), r.Rule) {
			t.Errorf("%s asks for %s, which policy does not know", r, r.Rule)
		}
	}
}
