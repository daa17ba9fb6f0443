package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// Persona is a kind of caller: a role in a scope, as OpenStack's secure RBAC has
// them, or, without a role, the user whose the thing is.
type Persona struct {
	Scope string // system, domain, project; user
	Role  string // "" of the user itself
}

// roles are those that imply each other, each those after it.
var roles = []string{"admin", "manager", "member", "reader"}

// Personas returns all of them, in the order in which they are shown.
func Personas() []Persona {
	var all []Persona
	for _, scope := range []string{"system", "domain", "project"} {
		for _, role := range roles {
			all = append(all, Persona{scope, role})
		}
	}
	return append(all, Persona{Scope: "user"})
}

// Verdict is how far a rule lets a persona go.
type Verdict string

// The verdicts. A thing is a persona's own if it is of the project or the domain that
// the persona's role is in, or, for Persona user, if it is that user's.
const (
	Never Verdict = "-"
	If    Verdict = "if"   // only where the thing has some other quality that the rule names
	Own   Verdict = "own"  // whatever is its own
	OwnIf Verdict = "own+" // that, and of others' things what has such a quality
	Any   Verdict = "any"  // everything
)

// most bounds how many situations of a rule are tried for one persona.
const most = 1 << 16

// Verdict asks the rule, which must be there, in every situation that it tells
// apart: with each value that it compares something to, and with another.
func (s *Set) Verdict(rule string, p Persona) Verdict {
	own := s.tries(rule, p, true)
	others := s.tries(rule, p, false)
	switch {
	case others == Any && (own == Any || p.Scope == "system"):
		return Any
	case p.Scope == "system":
		return others
	case own == Any && others == Never:
		return Own
	case own == Any:
		return OwnIf
	case own == Never && others == Never:
		return Never
	}
	return If
}

// tries returns Any, If or Never for what is the persona's own or for what is not.
func (s *Set) tries(rule string, p Persona, own bool) Verdict {
	w := world{persona: p, own: own, values: map[string][]string{}}
	n := s.rules[rule]
	n.compares(w.values)
	yes, no, left := false, false, most
	w.each(slices.Sorted(maps.Keys(w.values)), map[string]string{}, func(q *question) bool {
		if n.test(q) {
			yes = true
		} else {
			no = true
		}
		left--
		return left > 0 && !(yes && no)
	})
	switch {
	case yes && !no && left > 0:
		return Any
	case yes:
		return If
	}
	return Never
}

// compares collects the values that attributes, by their path, are compared to.
// Of another attribute that is its path after "=". No caller lacks the id of its own
// scope: that is not tried.
func (n *node) compares(values map[string][]string) {
	if n.flag == "target.public" {
		values[n.flag] = []string{"true"}
	}
	for i, o := range n.compared {
		other := n.compared[1-i]
		switch {
		case o.path != "" && other.literal != "" || strings.HasPrefix(o.path, "target.") && other.path == "":
			values[o.path] = append(values[o.path], other.literal)
		case strings.HasPrefix(o.path, "target.attr."):
			values[o.path] = append(values[o.path], "="+other.path)
		}
	}
	for _, kid := range n.kids {
		kid.compares(values)
	}
}

// world is what a rule is tried in.
type world struct {
	persona Persona
	own     bool
	values  map[string][]string
}

// usual stands for the value that the persona has by itself, or that nothing is compared to.
const usual = "\x00"

// each yields the question of every choice of values, until yield returns false.
func (w *world) each(paths []string, chosen map[string]string, yield func(*question) bool) bool {
	if len(paths) == 0 {
		q, apart := w.question(chosen)
		return !apart || yield(&q)
	}
	values := append([]string{usual}, w.values[paths[0]]...)
	if strings.HasPrefix(paths[0], "target.attr.") {
		values = append(values, "")
	}
	for _, v := range slices.Compact(slices.Sorted(slices.Values(values))) {
		chosen[paths[0]] = v
		if !w.each(paths[1:], chosen, yield) {
			return false
		}
	}
	return true
}

// question is one situation. It is none if what is not to be the persona's own has
// come out as its own.
func (w *world) question(chosen map[string]string) (question, bool) {
	id := func(path, by string) string {
		if v, ok := chosen[path]; ok && v != usual {
			return v
		}
		return by
	}
	c := cloud.Caller{UserID: id("caller.user_id", "the caller")}
	if i := slices.Index(roles, w.persona.Role); i >= 0 {
		c.Roles = roles[i:]
	}
	t := cloud.Target{UserID: id("target.user_id", "another user"), ProjectID: id("target.project_id", "another project"),
		DomainID: id("target.domain_id", "another domain"), Public: chosen["target.public"] == "true", Attr: map[string]string{}}
	mine, its := &c.UserID, &t.UserID
	switch w.persona.Scope {
	case "system":
		c.System = true
	case "domain":
		c.DomainID = id("caller.domain_id", "the domain")
		mine, its = &c.DomainID, &t.DomainID
	default: // a user works in some project, too
		c.ProjectID = id("caller.project_id", "the project")
		if w.persona.Scope == "project" {
			mine, its = &c.ProjectID, &t.ProjectID
		}
	}
	if w.own {
		*its = *mine
	}
	for path, v := range chosen {
		name, ok := strings.CutPrefix(path, "target.attr.")
		if as, same := strings.CutPrefix(v, "="); same && attributes[as] != nil {
			v = attributes[as](&question{c, t})
		}
		if ok {
			t.Attr[name] = v
		}
	}
	apart := t.UserID != c.UserID && (c.DomainID == "" || t.DomainID != c.DomainID) && (c.ProjectID == "" || t.ProjectID != c.ProjectID)
	return question{c, t}, w.own || apart
}
