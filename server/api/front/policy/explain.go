package policy

import (
	"fmt"
	"strings"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// Reason says why an expression is true or false.
type Reason struct {
	True bool
	Text string // the expression, as it is written
	Place
	Means   string   // of a name: what define gives it
	Because string   // of what has no parts: what it saw
	Parts   []Reason // the parts that decided; the others would not have changed it
}

// Explain says why the rule answers the caller as it does on the target. There must
// be such a rule.
func (s *Set) Explain(rule string, c cloud.Caller, t cloud.Target) Reason {
	return s.rules[rule].explain(&question{c, t})
}

func (n *node) explain(q *question) Reason {
	r := Reason{True: n.test(q), Text: n.text, Place: n.place()}
	switch n.op {
	case "name":
		of := n.kids[0].explain(q)
		r.Means, r.Parts, r.Because = of.Text, of.Parts, of.Because
		r.Place = of.Place
	case "!":
		r.Parts = []Reason{n.kids[0].explain(q)}
	case "&&", "||":
		// Of || that is true one true part decides, of && that is false one false part:
		// the first. Else all of them do.
		one := r.True == (n.op == "||")
		for _, kid := range n.flat(n.op) {
			if !one {
				r.Parts = append(r.Parts, kid.explain(q))
			} else if kid.test(q) == r.True {
				r.Parts = []Reason{kid.explain(q)}
				break
			}
		}
	default:
		r.Because = n.saw(q)
	}
	return r
}

// flat is the operands of a chain of one operator.
func (n *node) flat(op string) []*node {
	if n.op != op {
		return []*node{n}
	}
	var all []*node
	for _, kid := range n.kids {
		all = append(all, kid.flat(op)...)
	}
	return all
}

// saw tells what a part that has no parts was asked of.
func (n *node) saw(q *question) string {
	switch {
	case n.role != "" && q.caller.Service:
		return "the caller is the server itself"
	case n.role != "" && len(q.caller.Roles) == 0:
		return "the caller has no role"
	case n.role != "":
		return "the caller has " + strings.Join(q.caller.Roles, ", ")
	case n.flag != "":
		return fmt.Sprintf("%s is %t", n.flag, n.test(q))
	case len(n.compared) > 0:
		var all []string
		for _, o := range n.compared {
			if o.path != "" {
				all = append(all, fmt.Sprintf("%s is %q", o.path, o.read(q)))
			}
		}
		return strings.Join(all, ", ")
	}
	return "" // true or false
}

// place is where the expression is written.
func (n *node) place() Place {
	file, own := strings.CutPrefix(n.at.Filename, builtin)
	return Place{File: file, Line: n.at.Start.Line, Override: !own}
}
