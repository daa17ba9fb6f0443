package policy

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// A verdict holds for whatever comes: it is told from the situations that the rule
// names, and asked here of any.
func TestVerdictsHold(t *testing.T) {
	s := defaultSet(t)
	type verdictKey struct {
		rule string
		p    Persona
	}
	verdicts := map[verdictKey]Verdict{}
	for _, rule := range s.Names() {
		for _, p := range Personas() {
			verdicts[verdictKey{rule, p}] = s.Verdict(rule, p)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(Personas()).Draw(t, "persona")
		id := rapid.SampledFrom([]string{"a", "b", "c"})
		c := cloud.Caller{UserID: id.Draw(t, "user")}
		if i := slices.Index(roles, p.Role); i >= 0 {
			c.Roles = roles[i:]
		}
		target := aTarget(t)
		target.Attr["network_project_id"] = rapid.SampledFrom([]string{"a", "b", ""}).Draw(t, "network")
		mine, its := &c.UserID, &target.UserID
		switch p.Scope {
		case "system":
			c.System, mine, its = true, new(string), new(string)
			*its = "nobody's"
		case "domain":
			c.DomainID = id.Draw(t, "domain")
			mine, its = &c.DomainID, &target.DomainID
		case "project":
			c.ProjectID = id.Draw(t, "project")
			mine, its = &c.ProjectID, &target.ProjectID
		default:
			c.ProjectID = "the user's"
		}
		if p.Scope != "user" && target.UserID == c.UserID {
			target.UserID = "somebody" // that is what persona user is for
		}
		own := *mine == *its
		for _, rule := range s.Names() {
			allowed := s.Allowed(rule, c, target)
			switch v := verdicts[verdictKey{rule, p}]; {
			case v == Any && !allowed, v == Never && allowed, own && (v == Own || v == OwnIf) && !allowed, v == Own && !own && allowed:
				t.Fatalf("%s by %+v is %q, yet allowed is %t to %+v on %+v", rule, p, v, allowed, c, target)
			}
		}
	})
}

func TestVerdicts(t *testing.T) {
	s, err := overridden(t, `rules = {
  "compute:instance:get"    = role("auditor") || target.project_id == "lab" && reader
  "compute:instance:create" = member && owner && target.attr.frozen != "true"
  "compute:instance:delete" = caller.user_id == "alice"
  "compute:instance:update" = !public && member && owner || own_user
  "compute:instance:start"  = owner && target.attr.zone == "a" && target.attr.zone == "b"
  "compute:instance:stop"   = target.project_id == ""
  "compute:instance:reboot" = caller.system
}`)
	if err != nil {
		t.Fatal(err)
	}
	wantVerdicts(t, s, []verdictCase{
		{"compute:instance:get", Persona{"project", "reader"}, If},
		{"compute:instance:get", Persona{"user", ""}, Never},
		{"compute:instance:create", Persona{"project", "member"}, If},
		{"compute:instance:create", Persona{"project", "reader"}, Never},
		{"compute:instance:create", Persona{"system", "admin"}, Never},
		{"compute:instance:delete", Persona{"domain", "reader"}, If},
		{"compute:instance:update", Persona{"project", "member"}, If},
		{"compute:instance:update", Persona{"user", ""}, Own},
		{"compute:instance:start", Persona{"project", "admin"}, Never},
		{"compute:instance:stop", Persona{"project", "reader"}, If},
		{"compute:instance:reboot", Persona{"system", "reader"}, Any},
		{"compute:instance:reboot", Persona{"project", "admin"}, Never},
	})
}

// A reason holds the parts that decided, and no other.
func TestExplain(t *testing.T) {
	s, err := overridden(t, `define = { mine = member && owner }
rules = {
  "compute:instance:get"    = admin || mine || public
  "compute:instance:create" = !(mine && public)
}`)
	if err != nil {
		t.Fatal(err)
	}
	var text func(r Reason) string
	text = func(r Reason) string {
		var parts []string
		for _, p := range r.Parts {
			parts = append(parts, text(p))
		}
		word := "no "
		if r.True {
			word = "yes "
		}
		return word + r.Text + "[" + strings.Join(parts, " ") + "]"
	}
	for _, c := range []struct {
		rule   string
		caller cloud.Caller
		target cloud.Target
		want   string
	}{
		{"compute:instance:get", inProject("member", "p"), cloud.Target{ProjectID: "p"},
			`yes admin || mine || public[yes mine[yes member[] yes owner[yes caller.project_id != ""[] yes caller.project_id == target.project_id[]]]]`},
		{"compute:instance:get", inProject("reader", "p"), cloud.Target{ProjectID: "p"}, `no admin || mine || public[no admin[] no mine[no member[]] no public[]]`},
		{"compute:instance:create", inProject("reader", "p"), cloud.Target{}, `yes !(mine && public)[no mine && public[no mine[no member[]]]]`},
	} {
		r := s.Explain(c.rule, c.caller, c.target)
		if got := text(r); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.rule, got, c.want)
		}
		if r.True != s.Allowed(c.rule, c.caller, c.target) || !r.Override {
			t.Errorf("%s: %+v", c.rule, r)
		}
	}
	r := s.Explain("compute:instance:get", inProject("reader", "p"), cloud.Target{})
	if admin, mine := r.Parts[0], r.Parts[1]; admin.Because != "the caller has reader" || admin.File != "common.hcl" || admin.Override ||
		mine.Means != "member && owner" || !mine.Override || mine.Line != 1 {
		t.Errorf("%+v", r.Parts)
	}
	rule, err := s.Rule("compute:instance:get")
	if err != nil || rule.Line != 3 || rule.Through["mine"].Line != 1 || len(rule.Through) != 1 {
		t.Errorf("%+v %v", rule, err)
	}
	if _, err := s.Rule("compute:instnce:get"); err == nil || !strings.Contains(err.Error(), `did you mean "compute:instance:get"?`) {
		t.Errorf("%v", err)
	}
}

type verdictCase struct {
	rule    string
	persona Persona
	want    Verdict
}

func wantVerdicts(t *testing.T, s *Set, cases []verdictCase) {
	t.Helper()
	for _, c := range cases {
		if got := s.Verdict(c.rule, c.persona); got != c.want {
			t.Errorf("%s by %v: %s, want %s", c.rule, c.persona, got, c.want)
		}
	}
}
