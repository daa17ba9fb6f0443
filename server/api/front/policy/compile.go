package policy

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// question is what a rule is asked.
type question struct {
	caller cloud.Caller
	target cloud.Target
}

type (
	predicate func(*question) bool
	text      func(*question) string
)

// operand is one side of == or !=: an attribute, or a string.
type operand struct {
	path    string // "" of a string
	literal string
	read    text
}

// node is a compiled expression. A rule is asked through test alone; what else
// there is says why it answered so.
type node struct {
	test predicate
	op   string  // &&, ||, !, name; "" for what has no parts
	kids []*node // of a name, what it means
	text string  // as it is written
	at   hcl.Range

	compared []operand // two, of == and !=
	flag     string    // the true-or-false attribute that it is
	role     string    // of role("…")
}

// compiler turns expressions into nodes. defined holds the names that
// define has given so far, so that a name can use those before it.
type compiler struct {
	defined map[string]*node
	sources map[string]*hcl.File
}

// node begins what an expression compiles to.
func (c *compiler) node(e hcl.Expression, op string, kids ...*node) *node {
	n := &node{op: op, kids: kids, at: e.Range()}
	if f := c.sources[n.at.Filename]; f != nil {
		n.text = strings.Join(strings.Fields(string(n.at.SliceBytes(f.Bytes))), " ")
	}
	return n
}

func (n *node) asks(p predicate) *node {
	n.test = p
	return n
}

func fault(e hcl.Expression, format string, args ...any) hcl.Diagnostics {
	r := e.Range()
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Not a policy expression", Detail: fmt.Sprintf(format, args...), Subject: &r}}
}

// boolean compiles an expression that is true or false.
func (c *compiler) boolean(e hcl.Expression) (*node, hcl.Diagnostics) {
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return c.boolean(e.Expression)
	case *hclsyntax.LiteralValueExpr:
		if e.Val.Type() == cty.Bool && !e.Val.IsNull() {
			v := e.Val.True()
			return c.node(e, "").asks(func(*question) bool { return v }), nil
		}
	case *hclsyntax.UnaryOpExpr:
		if e.Op == hclsyntax.OpLogicalNot {
			kid, diags := c.boolean(e.Val)
			if diags.HasErrors() {
				return nil, diags
			}
			p := kid.test
			return c.node(e, "!", kid).asks(func(q *question) bool { return !p(q) }), nil
		}
	case *hclsyntax.BinaryOpExpr:
		return c.binary(e)
	case *hclsyntax.ScopeTraversalExpr:
		return c.name(e)
	case *hclsyntax.FunctionCallExpr:
		return c.call(e)
	}
	return nil, fault(e, "An expression that is true or false is required, made of names, role(\"…\"), ==, !=, !, && and ||.")
}

func (c *compiler) binary(e *hclsyntax.BinaryOpExpr) (*node, hcl.Diagnostics) {
	switch e.Op {
	case hclsyntax.OpLogicalAnd, hclsyntax.OpLogicalOr:
		left, diags := c.boolean(e.LHS)
		right, more := c.boolean(e.RHS)
		if diags = append(diags, more...); diags.HasErrors() {
			return nil, diags
		}
		a, b := left.test, right.test
		if e.Op == hclsyntax.OpLogicalAnd {
			return c.node(e, "&&", left, right).asks(func(q *question) bool { return a(q) && b(q) }), nil
		}
		return c.node(e, "||", left, right).asks(func(q *question) bool { return a(q) || b(q) }), nil
	case hclsyntax.OpEqual, hclsyntax.OpNotEqual:
		left, diags := c.str(e.LHS)
		right, more := c.str(e.RHS)
		if diags = append(diags, more...); diags.HasErrors() {
			return nil, diags
		}
		n := c.node(e, "")
		n.compared = []operand{left, right}
		a, b, equal := left.read, right.read, e.Op == hclsyntax.OpEqual
		return n.asks(func(q *question) bool { return (a(q) == b(q)) == equal }), nil
	}
	return nil, fault(e, "The operators of a policy are &&, ||, ==, != and !.")
}

// name compiles a defined name, or one of the two true-or-false attributes.
func (c *compiler) name(e *hclsyntax.ScopeTraversalExpr) (*node, hcl.Diagnostics) {
	path := traversal(e.Traversal)
	if read := flags[path]; read != nil {
		n := c.node(e, "")
		n.flag = path
		return n.asks(read), nil
	}
	if meaning := c.defined[path]; meaning != nil {
		return c.node(e, "name", meaning).asks(meaning.test), nil
	}
	return nil, fault(e, "%q is not defined. A name must be given by define, before it is used.", path)
}

func (c *compiler) call(e *hclsyntax.FunctionCallExpr) (*node, hcl.Diagnostics) {
	if e.Name != "role" || len(e.Args) != 1 {
		return nil, fault(e, "The one function is role(\"name\").")
	}
	v, diags := e.Args[0].Value(nil)
	if diags.HasErrors() || v.Type() != cty.String || v.IsNull() {
		return nil, append(diags, fault(e.Args[0], "The name of a role is required.")...)
	}
	n := c.node(e, "")
	n.role = v.AsString()
	role := n.role
	return n.asks(func(q *question) bool { return q.caller.Service || q.caller.HasRole(role) }), nil
}

// str compiles an operand of == and !=.
func (c *compiler) str(e hcl.Expression) (operand, hcl.Diagnostics) {
	t, ok := e.(*hclsyntax.ScopeTraversalExpr)
	if !ok {
		v, diags := e.Value(nil)
		if diags.HasErrors() || v.Type() != cty.String || v.IsNull() {
			return operand{}, append(diags, fault(e, "A string, or an attribute of caller or target, is required.")...)
		}
		s := v.AsString()
		return operand{literal: s, read: func(*question) string { return s }}, nil
	}
	path := traversal(t.Traversal)
	if read := attributes[path]; read != nil {
		return operand{path: path, read: read}, nil
	}
	if len(t.Traversal) == 3 && traversal(t.Traversal[:2]) == "target.attr" {
		if step, ok := t.Traversal[2].(hcl.TraverseAttr); ok {
			return operand{path: path, read: func(q *question) string { return q.target.Attr[step.Name] }}, nil
		}
	}
	return operand{}, fault(e, "There is no attribute %q.", path)
}

var attributes = map[string]text{
	"caller.user_id":    func(q *question) string { return q.caller.UserID },
	"caller.project_id": func(q *question) string { return q.caller.ProjectID },
	"caller.domain_id":  func(q *question) string { return q.caller.DomainID },
	"target.user_id":    func(q *question) string { return q.target.UserID },
	"target.project_id": func(q *question) string { return q.target.ProjectID },
	"target.domain_id":  func(q *question) string { return q.target.DomainID },
}

var flags = map[string]predicate{
	"caller.system": func(q *question) bool { return q.caller.System },
	"target.public": func(q *question) bool { return q.target.Public },
}

// traversal renders a.b.c; "" if there is anything but names in it.
func traversal(t hcl.Traversal) string {
	s := t.RootName()
	for _, step := range t[1:] {
		a, ok := step.(hcl.TraverseAttr)
		if !ok {
			return ""
		}
		s += "." + a.Name
	}
	return s
}
