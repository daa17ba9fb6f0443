package policy

import (
	"fmt"

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

// compiler turns expressions into closures. defined holds the names that
// define has given so far, so that a name can use those before it.
type compiler struct{ defined map[string]predicate }

func fault(e hcl.Expression, format string, args ...any) hcl.Diagnostics {
	r := e.Range()
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Not a policy expression", Detail: fmt.Sprintf(format, args...), Subject: &r}}
}

// boolean compiles an expression that is true or false.
func (c *compiler) boolean(e hcl.Expression) (predicate, hcl.Diagnostics) {
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return c.boolean(e.Expression)
	case *hclsyntax.LiteralValueExpr:
		if e.Val.Type() == cty.Bool && !e.Val.IsNull() {
			v := e.Val.True()
			return func(*question) bool { return v }, nil
		}
	case *hclsyntax.UnaryOpExpr:
		if e.Op == hclsyntax.OpLogicalNot {
			p, diags := c.boolean(e.Val)
			return func(q *question) bool { return !p(q) }, diags
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

func (c *compiler) binary(e *hclsyntax.BinaryOpExpr) (predicate, hcl.Diagnostics) {
	switch e.Op {
	case hclsyntax.OpLogicalAnd, hclsyntax.OpLogicalOr:
		a, diags := c.boolean(e.LHS)
		b, more := c.boolean(e.RHS)
		if diags = append(diags, more...); diags.HasErrors() {
			return nil, diags
		}
		if e.Op == hclsyntax.OpLogicalAnd {
			return func(q *question) bool { return a(q) && b(q) }, nil
		}
		return func(q *question) bool { return a(q) || b(q) }, nil
	case hclsyntax.OpEqual, hclsyntax.OpNotEqual:
		a, diags := c.str(e.LHS)
		b, more := c.str(e.RHS)
		if diags = append(diags, more...); diags.HasErrors() {
			return nil, diags
		}
		if e.Op == hclsyntax.OpEqual {
			return func(q *question) bool { return a(q) == b(q) }, nil
		}
		return func(q *question) bool { return a(q) != b(q) }, nil
	}
	return nil, fault(e, "The operators of a policy are &&, ||, ==, != and !.")
}

// name compiles a defined name, or one of the two true-or-false attributes.
func (c *compiler) name(e *hclsyntax.ScopeTraversalExpr) (predicate, hcl.Diagnostics) {
	path := traversal(e.Traversal)
	switch path {
	case "caller.system":
		return func(q *question) bool { return q.caller.System }, nil
	case "target.public":
		return func(q *question) bool { return q.target.Public }, nil
	}
	if p := c.defined[path]; p != nil {
		return p, nil
	}
	return nil, fault(e, "%q is not defined. A name must be given by define, before it is used.", path)
}

func (c *compiler) call(e *hclsyntax.FunctionCallExpr) (predicate, hcl.Diagnostics) {
	if e.Name != "role" || len(e.Args) != 1 {
		return nil, fault(e, "The one function is role(\"name\").")
	}
	v, diags := e.Args[0].Value(nil)
	if diags.HasErrors() || v.Type() != cty.String || v.IsNull() {
		return nil, append(diags, fault(e.Args[0], "The name of a role is required.")...)
	}
	role := v.AsString()
	return func(q *question) bool { return q.caller.Service || q.caller.HasRole(role) }, nil
}

// str compiles an operand of == and !=.
func (c *compiler) str(e hcl.Expression) (text, hcl.Diagnostics) {
	t, ok := e.(*hclsyntax.ScopeTraversalExpr)
	if !ok {
		v, diags := e.Value(nil)
		if diags.HasErrors() || v.Type() != cty.String || v.IsNull() {
			return nil, append(diags, fault(e, "A string, or an attribute of caller or target, is required.")...)
		}
		s := v.AsString()
		return func(*question) string { return s }, nil
	}
	path := traversal(t.Traversal)
	if read := attributes[path]; read != nil {
		return read, nil
	}
	if len(t.Traversal) == 3 && traversal(t.Traversal[:2]) == "target.attr" {
		if step, ok := t.Traversal[2].(hcl.TraverseAttr); ok {
			return func(q *question) string { return q.target.Attr[step.Name] }, nil
		}
	}
	return nil, fault(e, "There is no attribute %q.", path)
}

var attributes = map[string]text{
	"caller.user_id":    func(q *question) string { return q.caller.UserID },
	"caller.project_id": func(q *question) string { return q.caller.ProjectID },
	"caller.domain_id":  func(q *question) string { return q.caller.DomainID },
	"target.user_id":    func(q *question) string { return q.target.UserID },
	"target.project_id": func(q *question) string { return q.target.ProjectID },
	"target.domain_id":  func(q *question) string { return q.target.DomainID },
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
