package policy

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/policy-rules.md")

const rulesPage = "../../../../docs/policy-rules.md"

// docs/policy-rules.md is what the built-in rules answer.
func TestRulesPage(t *testing.T) {
	want := page(t, defaultSet(t))
	if *update {
		if err := os.WriteFile(rulesPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(rulesPage)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/policy-rules.md is not what the rules say; renew it with: go generate ./server/api/front/policy")
	}
}

// page renders who passes each rule.
func page(t *testing.T, s *Set) string {
	var b strings.Builder
	b.WriteString(`# Who may do what

Made from the built-in rules by ` + "`go generate ./server/api/front/policy`" + `; what the rules are, and how to change them, is told in
[policy.md](policy.md). ` + "`cloudlet policy list`" + ` shows the same for your own rules, with the calls that ask each.

| in a cell | means |
|---|---|
| any | on everything |
| own | on what is of the same project or domain or, for the user, of that user |
| own+ | that, and others' things that have a quality which the rule names |
| if | only things that have such a quality |
| - | never |

Columns are a role in a scope. The last is the user whose the thing is, by a token of some project, whatever its role there.
`)
	service := ""
	for _, name := range s.Names() {
		r, err := s.Rule(name)
		if err != nil {
			t.Fatal(err)
		}
		if of := strings.TrimSuffix(r.File, ".hcl"); of != service {
			service = of
			heads := ""
			for _, p := range Personas() {
				heads += " " + strings.TrimRight(p.Scope+" "+p.Role, " ") + " |"
			}
			fmt.Fprintf(&b, "\n## %s\n\n| rule |%s expression |\n|---|%s---|\n", service, heads, strings.Repeat("---|", len(Personas())))
		}
		fmt.Fprintf(&b, "| `%s` |", name)
		for _, p := range Personas() {
			fmt.Fprintf(&b, " %s |", s.Verdict(name, p))
		}
		// A cell ends at a bar, also in code (GitHub Flavored Markdown, tables).
		fmt.Fprintf(&b, " `%s` |\n", strings.ReplaceAll(r.Text, "|", `\|`))
	}
	return b.String()
}

// The example of docs/policy.md is taken, and does what the page says of it.
func TestPolicyPage(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`([\w:]+)(?: = .*)?  \((\w+\.hcl):(\d+)\)`).FindAllStringSubmatch(string(text), -1) {
		src, err := os.ReadFile("defaults/" + m[2])
		if err != nil {
			t.Fatal(err)
		}
		lines, n := strings.Split(string(src), "\n"), 0
		if n, err = strconv.Atoi(m[3]); err != nil || n > len(lines) || !strings.Contains(lines[n-1], m[1]) {
			t.Errorf("docs/policy.md has %s at %s:%s, which is not so", m[1], m[2], m[3])
		}
	}
	_, rest, _ := strings.Cut(string(text), "```hcl\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("there is no example")
	}
	s, err := overridden(t, example)
	if err != nil {
		t.Fatal(err)
	}
	wantVerdicts(t, s, []verdictCase{
		{"image:image:publicize", Persona{"project", "manager"}, Own},
		{"image:image:publicize", Persona{"project", "member"}, Never},
		{"image:image:publicize", Persona{"project", "admin"}, Any},
		{"compute:instance:console", Persona{"project", "member"}, Never},
		{"compute:instance:console", Persona{"project", "manager"}, Own},
		{"compute:flavor:create", Persona{"project", "member"}, Never},
	})
	builder := inProject("member", "p")
	builder.Roles = append([]string{"flavor_keeper"}, builder.Roles...)
	if !s.Allowed("compute:flavor:create", builder, builder.Own()) {
		t.Error("the page's role of its own may not make flavors")
	}
}
