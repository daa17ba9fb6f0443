package policy

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/zclconf/go-cty/cty"

	"github.com/cloudlet/cloudlet/server/cloud"
)

//go:embed defaults/*.hcl
var defaults embed.FS

// builtin begins the names of the embedded files, so that none is an operator's.
const builtin = "<built-in>/"

// Set is a compiled set of rules. It is safe for concurrent use.
type Set struct{ rules map[string]*node }

// Load compiles the built-in rules and, if override is not empty, the
// operator's file, whose rules and definitions replace those of the same name.
// An error shows file, line and snippet of everything that is wrong.
func Load(override string) (*Set, error) {
	l := loader{parser: hclparse.NewParser(), rules: map[string]hcl.Expression{}, defined: map[string]hcl.Expression{}}
	names, err := fs.Glob(defaults, "defaults/*.hcl")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		src, err := defaults.ReadFile(name)
		if err != nil {
			return nil, err
		}
		l.read(builtin+path.Base(name), src, false)
	}
	if override != "" {
		src, err := os.ReadFile(override)
		if err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
		l.read(override, src, true)
	}
	return l.compile()
}

type loader struct {
	parser  *hclparse.Parser
	defined map[string]hcl.Expression
	order   []string // of definitions
	rules   map[string]hcl.Expression
	diags   hcl.Diagnostics
}

// read takes in one file. Only an override may name a rule again, and it may
// name only rules that there are.
func (l *loader) read(name string, src []byte, override bool) {
	f, diags := l.parser.ParseHCL(src, name)
	l.diags = append(l.diags, diags...)
	if diags.HasErrors() {
		return
	}
	content, diags := f.Body.Content(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "define"}, {Name: "rules"}}})
	l.diags = append(l.diags, diags...)
	if a := content.Attributes["define"]; a != nil {
		l.each(a, func(key string, at hcl.Range, e hcl.Expression) {
			if l.defined[key] == nil {
				l.order = append(l.order, key)
			} else if !override {
				l.fail(at, "%q is defined twice.", key)
			}
			l.defined[key] = e
		})
	}
	if a := content.Attributes["rules"]; a != nil {
		l.each(a, func(key string, at hcl.Range, e hcl.Expression) {
			known := l.rules[key] != nil
			if override && !known {
				l.fail(at, "There is no rule %q to replace%s", key, cmp.Or(meant(key, slices.Collect(maps.Keys(l.rules))), "."))
			} else if !override && known {
				l.fail(at, "Rule %q is given twice.", key)
			}
			l.rules[key] = e
		})
	}
}

// each yields the entries of an object, unevaluated.
func (l *loader) each(a *hcl.Attribute, yield func(key string, at hcl.Range, e hcl.Expression)) {
	pairs, diags := hcl.ExprMap(a.Expr)
	l.diags = append(l.diags, diags...)
	for _, p := range pairs {
		key := hcl.ExprAsKeyword(p.Key)
		if key == "" {
			v, diags := p.Key.Value(nil)
			if diags.HasErrors() {
				l.diags = append(l.diags, diags...)
				continue
			}
			if v.Type() != cty.String || v.IsNull() || v.AsString() == "" {
				l.fail(p.Key.Range(), "A name is required here.")
				continue
			}
			key = v.AsString()
		}
		yield(key, p.Key.Range(), p.Value)
	}
}

func (l *loader) fail(at hcl.Range, format string, args ...any) {
	l.diags = append(l.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Wrong policy", Detail: fmt.Sprintf(format, args...), Subject: &at})
}

func (l *loader) compile() (*Set, error) {
	s := &Set{rules: make(map[string]*node, len(l.rules))}
	c := compiler{defined: map[string]*node{}, sources: l.parser.Files()}
	for _, name := range l.order {
		n, diags := c.boolean(l.defined[name])
		l.diags = append(l.diags, diags...)
		if !diags.HasErrors() {
			c.defined[name] = n
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.rules)) {
		n, diags := c.boolean(l.rules[name])
		l.diags = append(l.diags, diags...)
		s.rules[name] = n
	}
	if !l.diags.HasErrors() {
		return s, nil
	}
	var out bytes.Buffer
	if err := hcl.NewDiagnosticTextWriter(&out, l.parser.Files(), 100, false).WriteDiagnostics(l.diags); err != nil {
		return nil, err
	}
	return nil, errors.New("policy:\n" + out.String())
}

// questions holds used questions: asking is too frequent to allocate for.
var questions = sync.Pool{New: func() any { return new(question) }}

// Allowed reports whether the rule allows the caller on the target. A rule that
// does not exist allows nothing.
func (s *Set) Allowed(rule string, c cloud.Caller, t cloud.Target) bool {
	n := s.rules[rule]
	if n == nil {
		return false
	}
	q := questions.Get().(*question)
	q.caller, q.target = c, t
	ok := n.test(q)
	*q = question{}
	questions.Put(q)
	return ok
}

// Check compares the rules with the names that routes and handlers ask for. It
// returns what is asked for but not defined, and so always denied, and what is
// defined but never asked for, both sorted.
func (s *Set) Check(asked []string) (undefined, unused []string) {
	used := make(map[string]bool, len(asked))
	for _, name := range asked {
		used[name] = true
		if s.rules[name] == nil && !slices.Contains(undefined, name) {
			undefined = append(undefined, name)
		}
	}
	for _, name := range s.Names() {
		if !used[name] {
			unused = append(unused, name)
		}
	}
	slices.Sort(undefined)
	return undefined, unused
}
