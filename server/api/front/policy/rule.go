package policy

import (
	"fmt"
	"maps"
	"slices"

	"github.com/agext/levenshtein"
)

// Rule is what is written of a rule.
type Rule struct {
	Name string
	Text string // the expression
	Place
	// Through are the definitions of the operator's that the expression rests on, by name.
	Through map[string]Place
}

// Place is where something is written.
type Place struct {
	File     string // a built-in one by its name alone
	Line     int
	Override bool // it is the operator's
}

// Rule returns a rule. An error says which name may have been meant.
func (s *Set) Rule(name string) (Rule, error) {
	n := s.rules[name]
	if n == nil {
		return Rule{}, fmt.Errorf("there is no rule %q%s", name, meant(name, s.Names()))
	}
	r := Rule{Name: name, Text: n.text, Place: n.place(), Through: map[string]Place{}}
	n.through(r.Through)
	return r, nil
}

// through collects the operator's definitions below n.
func (n *node) through(all map[string]Place) {
	for _, kid := range n.kids {
		if p := kid.place(); n.op == "name" && p.Override {
			all[n.text] = p
		}
		kid.through(all)
	}
}

// meant asks whether one of names was meant by a mistyped one.
func meant(wrong string, names []string) string {
	best, least := "", min(6, len(wrong)/2)+1
	for _, n := range slices.Sorted(slices.Values(names)) {
		if d := levenshtein.Distance(wrong, n, nil); d < least {
			best, least = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// Names returns the rules there are, sorted.
func (s *Set) Names() []string { return slices.Sorted(maps.Keys(s.rules)) }
