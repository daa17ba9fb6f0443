package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/node"
)

// errRefused is the answer no, already told.
var errRefused = errors.New("refused")

// policyCommand tells who may do what.
func policyCommand(ctx context.Context, args []string, out, errOut io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "list":
			return policyListCommand(args[1:], out, errOut)
		case "check":
			return policyCheckCommand(ctx, args[1:], out, errOut)
		}
	}
	fmt.Fprint(errOut, "Usage: cloudlet policy list [flags] [RULE…]\n       cloudlet policy check [flags] RULE…\n")
	return errUsage
}

// withServerFile adds -config, which may be the file of a server: what else that one
// reads of it is passed over.
func (s *settings) withServerFile() *settings {
	var server serverFlags
	var host hostFlags
	var logs logFlags
	other := newSettings("", "", io.Discard)
	server.declare(other)
	host.declare(other, "sim", "libvirt")
	logs.declare(other)
	for _, name := range []string{"sim-hosts", "agent-listen"} {
		other.String(name, "", "")
	}
	s.others = append(s.others, other)
	return s.withFile()
}

func (s *settings) policyFile() *string {
	return s.String("policy", "", "HCL `file` with policy rules that replace the built-in ones of the same name, as the server's")
}

// policyListCommand shows the rules.
func policyListCommand(args []string, out, errOut io.Writer) error {
	s := newSettings("policy list", "Shows each rule: who passes it, where it is written, which calls ask it. RULE is a name, or a pattern such as 'compute:*'.", errOut).withServerFile()
	s.takes = "[RULE…]"
	file := s.policyFile()
	asJSON := s.Bool("json", false, "for programs")
	if err := s.parse(args); err != nil {
		return err
	}
	rules, err := node.Policy(*file)
	if err != nil {
		return s.cannotTell(err)
	}
	if rules, err = s.chosen(rules); err != nil {
		return err
	}
	if *asJSON {
		return writeRules(out, rules)
	}
	_, err = io.WriteString(out, ruleTable(rules))
	return err
}

// cannotTell tells why there is no answer.
func (s *settings) cannotTell(err error) error {
	fmt.Fprintf(s.out, "%s: %v\n", s.Name(), err)
	return errUsage
}

// chosen are the rules that the operands name, or all.
func (s *settings) chosen(rules []node.PolicyRule) ([]node.PolicyRule, error) {
	if s.NArg() == 0 {
		return rules, nil
	}
	var names []string
	for _, r := range rules {
		names = append(names, r.Name)
	}
	var some []node.PolicyRule
	for _, pattern := range s.Args() {
		found := slices.DeleteFunc(slices.Clone(rules), func(r node.PolicyRule) bool {
			match, err := path.Match(pattern, r.Name)
			return err != nil || !match
		})
		if len(found) == 0 {
			hint := ""
			if near := nearest(pattern, names); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			return nil, s.wrong("no rule is called %q%s", pattern, hint)
		}
		some = append(some, found...)
	}
	return some, nil
}

const verdicts = `any   on everything
own   on what is of the same project or domain or, for USER, of that user
own+  that, and others' things that have a quality which the rule names
if    only things that have such a quality
USER  is whose the thing is, by a token of some project, whatever its role there

`

// ruleTable is for people: a line for each rule, then, further in, what it says and
// which calls ask it.
func ruleTable(rules []node.PolicyRule) string {
	wide := len("RULE")
	for _, r := range rules {
		wide = max(wide, len(r.Name))
	}
	var b strings.Builder
	line := func(name string, cells []string, last string) {
		text := fmt.Sprintf("%-*s", wide, name)
		for _, c := range cells {
			text += fmt.Sprintf("  %-7s", c)
		}
		b.WriteString(strings.TrimRight(text+"  "+last, " ") + "\n")
	}
	var scopes, names []string
	for _, p := range node.Personas() {
		head := ""
		if p.Role == "admin" || p.Role == "" {
			head = strings.ToUpper(p.Scope)
		}
		scopes, names = append(scopes, head), append(names, p.Role)
	}
	b.WriteString(verdicts)
	line("", scopes, "")
	line("RULE", names, "WRITTEN")
	for _, r := range rules {
		var cells []string
		for _, v := range r.Personas {
			cells = append(cells, string(v))
		}
		line(r.Name, cells, written(r))
		for _, under := range append([]string{r.Text}, r.Routes...) {
			fmt.Fprintf(&b, "    %s\n", under)
		}
	}
	return b.String()
}

// written tells where a rule is, and those of its definitions that are the operator's.
func written(r node.PolicyRule) string {
	at := fmt.Sprintf("%s:%d", r.File, r.Line)
	var names []string
	for name, p := range r.Through {
		names = append(names, fmt.Sprintf("%s of %s:%d", name, p.File, p.Line))
	}
	if len(names) == 0 {
		return at
	}
	slices.Sort(names)
	return at + ", with " + strings.Join(names, ", ")
}

// shownRule is a rule for programs.
type shownRule struct {
	Rule        string            `json:"rule"`
	Expression  string            `json:"expression"`
	File        string            `json:"file"`
	Line        int               `json:"line"`
	Override    bool              `json:"override"`
	Definitions map[string]string `json:"definitions"` // the operator's that it rests on, with their place
	Calls       []string          `json:"calls"`
	Personas    map[string]string `json:"personas"` // "project member": "own"
}

func writeRules(out io.Writer, rules []node.PolicyRule) error {
	shown := []shownRule{}
	for _, r := range rules {
		s := shownRule{Rule: r.Name, Expression: r.Text, File: r.File, Line: r.Line, Override: r.Override, Calls: r.Routes, Definitions: map[string]string{}, Personas: map[string]string{}}
		for name, p := range r.Through {
			s.Definitions[name] = fmt.Sprintf("%s:%d", p.File, p.Line)
		}
		for i, p := range node.Personas() {
			s.Personas[strings.TrimRight(p.Scope+" "+p.Role, " ")] = string(r.Personas[i])
		}
		shown = append(shown, s)
	}
	text, err := json.Marshal(shown, json.Deterministic(true), jsontext.WithIndent("  "))
	if err == nil {
		_, err = fmt.Fprintf(out, "%s\n", text)
	}
	return err
}
