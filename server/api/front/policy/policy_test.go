package policy

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"pgregory.net/rapid"

	"github.com/cloudlet/cloudlet/server/cloud"
)

func defaultSet(t testing.TB) *Set {
	t.Helper()
	s, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func overridden(t *testing.T, src string) (*Set, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.hcl")
	if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path)
}

// ladder is the roles, each implying all those after it.
var ladder = []string{"admin", "manager", "member", "reader"}

func inProject(role string, project string) cloud.Caller {
	c := cloud.Caller{UserID: "u", ProjectID: project}
	for i, r := range ladder {
		if r == role {
			c.Roles = ladder[i:]
		}
	}
	return c
}

func inDomain(role, domain string) cloud.Caller {
	c := inProject(role, "")
	c.DomainID = domain
	return c
}

func TestPersonas(t *testing.T) {
	s := defaultSet(t)
	system := inProject("reader", "")
	system.System = true
	mine, theirs := cloud.Target{ProjectID: "p"}, cloud.Target{ProjectID: "q"}
	for _, tc := range []struct {
		rule   string
		caller cloud.Caller
		target cloud.Target
		want   bool
	}{
		{"compute:instance:create", inProject("member", "p"), mine, true},
		{"compute:instance:create", inProject("reader", "p"), mine, false},
		{"compute:instance:get", inProject("reader", "p"), mine, true},
		{"compute:instance:get", inProject("manager", "p"), theirs, false},
		{"compute:instance:delete", inProject("member", "p"), theirs, false},
		{"compute:instance:delete", inProject("admin", "p"), theirs, true},
		{"compute:instance:list_all", inProject("manager", "p"), mine, false},
		{"compute:instance:list_all", system, cloud.Target{}, true},
		{"compute:visible", inProject("member", "p"), theirs, false},
		{"compute:visible", inProject("member", "p"), cloud.Target{}, false},
		{"compute:visible", inProject("member", "p"), cloud.Target{Public: true}, true},
		{"compute:flavor:create", inProject("manager", "p"), cloud.Target{}, false},
		{"compute:keypair:get", inProject("reader", "p"), cloud.Target{UserID: "u"}, true},
		{"compute:keypair:get", inProject("member", "p"), cloud.Target{UserID: "v"}, false},
		{"image:image:publicize", inProject("member", "p"), mine, false},
		{"image:visible", inProject("reader", "p"), cloud.Target{ProjectID: "q", Attr: map[string]string{"member": "true"}}, true},
		{"image:member:update", inProject("member", "p"), cloud.Target{ProjectID: "q", Attr: map[string]string{"member": "true"}}, true},
		{"image:member:update", inProject("member", "p"), mine, false},
		{"network:network:set_shared", inProject("member", "p"), mine, false},
		{"network:subnet:get", inProject("reader", "p"), cloud.Target{ProjectID: "q", Public: true}, true},
		{"identity:user:create", inDomain("manager", "d"), cloud.Target{DomainID: "d"}, true},
		{"identity:user:create", inDomain("manager", "d"), cloud.Target{DomainID: "e"}, false},
		{"identity:user:create", inDomain("member", "d"), cloud.Target{DomainID: "d"}, false},
		{"identity:user:get", inProject("reader", "p"), cloud.Target{UserID: "u", DomainID: "d"}, true},
		{"identity:assignment:create", inDomain("manager", "d"), cloud.Target{DomainID: "d", Attr: map[string]string{"role": "member"}}, true},
		{"identity:assignment:create", inDomain("manager", "d"), cloud.Target{DomainID: "d", Attr: map[string]string{"role": "admin"}}, false},
		{"no:such:rule", inProject("admin", "p"), mine, false},
	} {
		if got := s.Allowed(tc.rule, tc.caller, tc.target); got != tc.want {
			t.Errorf("%s by %v in project %q on %+v: allowed %t, want %t", tc.rule, tc.caller.Roles, tc.caller.ProjectID, tc.target, got, tc.want)
		}
	}
}

func aName() *rapid.Generator[string] { return rapid.SampledFrom([]string{"", "a", "b"}) }

func aCaller(t *rapid.T) cloud.Caller {
	return cloud.Caller{UserID: aName().Draw(t, "user"), ProjectID: aName().Draw(t, "project"), DomainID: aName().Draw(t, "domain"),
		System: rapid.Bool().Draw(t, "system")}
}

func aTarget(t *rapid.T) cloud.Target {
	return cloud.Target{ProjectID: aName().Draw(t, "t.project"), UserID: aName().Draw(t, "t.user"), DomainID: aName().Draw(t, "t.domain"),
		Public: rapid.Bool().Draw(t, "public"),
		Attr: rapid.MapOf(rapid.SampledFrom([]string{"member", "role", "visibility", "of_token"}),
			rapid.SampledFrom([]string{"true", "member", "admin", "community"})).Draw(t, "attr")}
}

// A role never takes away what a lesser one has, and admin may do everything but
// what one can only do for oneself.
func TestRolesOnlyAdd(t *testing.T) {
	s := defaultSet(t)
	forOneself := []string{"identity:trust:create"}
	rapid.Check(t, func(t *rapid.T) {
		c, target := aCaller(t), aTarget(t)
		for _, rule := range s.Names() {
			allowed := false
			for i := len(ladder); i >= 0; i-- {
				c.Roles = ladder[i:]
				now := s.Allowed(rule, c, target)
				if allowed && !now {
					t.Fatalf("%s is allowed to %v but not to %v", rule, ladder[i+1:], ladder[i:])
				}
				allowed = now
			}
			if !allowed && !slices.Contains(forOneself, rule) {
				t.Fatalf("%s is refused to an administrator", rule)
			}
		}
	})
}

// Nobody but administrators, services and readers of the system sees or
// touches what is another project's, user's and domain's.
func TestProjectsAreApart(t *testing.T) {
	s := defaultSet(t)
	harmless := map[string]bool{} // rules that everybody passes, whatever the target
	for _, name := range s.Names() {
		harmless[name] = s.Allowed(name, cloud.Caller{}, cloud.Target{ProjectID: "q", UserID: "w", DomainID: "e"})
	}
	for name, open := range harmless {
		verb := name[strings.LastIndexByte(name, ':')+1:]
		if open && verb != "list" && verb != "get" && verb != "download" && verb != "info" {
			t.Errorf("%s is open to everybody", name)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		c := aCaller(t)
		c.System = false
		c.Roles = ladder[rapid.IntRange(1, len(ladder)).Draw(t, "role"):]
		for _, rule := range s.Names() {
			if rule == "identity:role:list" || rule == "identity:role:get" || harmless[rule] {
				continue // a manager may see which roles there are
			}
			if s.Allowed(rule, c, cloud.Target{ProjectID: "q", UserID: "w", DomainID: "e"}) {
				t.Fatalf("%s is allowed to a stranger with %v", rule, c.Roles)
			}
		}
	})
}

func TestOverride(t *testing.T) {
	s, err := overridden(t, `
define = { owner = caller.project_id == target.project_id && target.attr.frozen != "true" }
rules  = { "compute:instance:create" = role("launcher") || admin }
`)
	if err != nil {
		t.Fatal(err)
	}
	mine := cloud.Target{ProjectID: "p"}
	if s.Allowed("compute:instance:create", inProject("member", "p"), mine) {
		t.Error("the rule was not replaced")
	}
	launcher := cloud.Caller{Roles: []string{"launcher"}}
	if !s.Allowed("compute:instance:create", launcher, mine) {
		t.Error("the new rule does not hold")
	}
	frozen := cloud.Target{ProjectID: "p", Attr: map[string]string{"frozen": "true"}}
	if s.Allowed("compute:instance:get", inProject("member", "p"), frozen) || !s.Allowed("compute:instance:get", inProject("member", "p"), mine) {
		t.Error("the new meaning of owner does not reach other rules")
	}
}

func TestFaultsShowWhere(t *testing.T) {
	for _, tc := range []struct{ src, line, want string }{
		{"rules = {\n  \"compute:instance:creat\" = true\n}", "line 2", `no rule "compute:instance:creat"`},
		{"rules = {\n  \"compute:instance:create\" = membr\n}", "line 2", `"membr" is not defined`},
		{"rules = {\n  \"compute:instance:create\" = role(1)\n}", "line 2", "name of a role"},
		{"rules = {\n  \"compute:instance:create\" = caller.shoe_size == \"1\"\n}", "line 2", `no attribute "caller.shoe_size"`},
		{"rules = {\n  \"compute:instance:create\" = 1 + 1\n}", "line 2", "operators of a policy"},
		{"rules = {\n  \"compute:instance:create\" = \"yes\"\n}", "line 2", "true or false"},
		{"rules = {\n  \"compute:instance:create\" = admin &&\n}", "line 2", "Invalid expression"},
		{"rule \"x\" {\n}", "line 1", "Unsupported block type"},
		{"define = {\n  admin = owner\n  owner = admin\n}", "line 2", "not defined"},
		{"rules = {\n  null = true\n}", "line 2", ""},
		{"rules = [1]", "line 1", ""},
	} {
		_, err := overridden(t, tc.src)
		if err == nil {
			t.Errorf("%q was taken", tc.src)
			continue
		}
		if msg := err.Error(); !strings.Contains(msg, tc.line) || !strings.Contains(msg, tc.want) || !strings.Contains(msg, "policy.hcl") {
			t.Errorf("%q: want %q and %q in:\n%s", tc.src, tc.line, tc.want, msg)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.hcl")); err == nil {
		t.Error("a missing file was taken")
	}
}

func TestCheck(t *testing.T) {
	s := defaultSet(t)
	undefined, unused := s.Check(append(s.Names()[1:], "x:y:z", "x:y:z", "a:b:c"))
	if len(undefined) != 2 || undefined[0] != "a:b:c" || undefined[1] != "x:y:z" {
		t.Errorf("undefined: %v", undefined)
	}
	if len(unused) != 1 || unused[0] != s.Names()[0] {
		t.Errorf("unused: %v", unused)
	}
}

func TestFilesAreFormatted(t *testing.T) {
	files, _ := filepath.Glob("defaults/*.hcl")
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(src, hclwrite.Format(src)) {
			t.Errorf("%s is not formatted as terraform fmt does it", name)
		}
	}
}

func FuzzOverride(f *testing.F) {
	f.Add("define = { x = admin }\nrules = { \"compute:visible\" = x && !role(\"y\") }")
	f.Add("rules = { (1) = true }")
	f.Add("rules = { \"compute:visible\" = target.attr[\"x\"] == target.attr.x }")
	f.Fuzz(func(t *testing.T, src string) {
		if s, err := overridden(t, src); err == nil {
			for _, name := range s.Names() {
				s.Allowed(name, cloud.Caller{}, cloud.Target{})
			}
		}
	})
}

func BenchmarkAllowed(b *testing.B) {
	s := defaultSet(b)
	c, t := inProject("member", "9a1d9b0e5d0e4d3f8f1e6f0a2b3c4d5e"), cloud.Target{ProjectID: "9a1d9b0e5d0e4d3f8f1e6f0a2b3c4d5e"}
	b.ReportAllocs()
	for b.Loop() {
		if !s.Allowed("compute:instance:create", c, t) {
			b.Fatal("refused")
		}
	}
}
