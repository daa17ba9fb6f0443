// Package policy says who may do what. It is the only place that does: route
// rows and handlers name a rule, and the rules are HCL expressions, kept in one
// embedded file per service and in one optional file of the operator's, whose
// rules replace those of the same name.
//
//	define = {
//	  owner = caller.project_id == target.project_id
//	}
//	rules = {
//	  "compute:instance:create" = member && owner
//	}
//
// An expression is made of true, false, &&, ||, !, ==, !=, parentheses, strings,
// the names that define gives, role("name"), and
//
//	caller.user_id  caller.project_id  caller.domain_id  caller.system
//	target.user_id  target.project_id  target.domain_id  target.public
//	target.attr.NAME   what else a rule looks at; "" if the target has no such
//
// It is compiled once, when the file is read; asking costs well under a
// microsecond. For people, a Set also tells which personas pass a rule (Verdict, which
// tries all situations that the rule tells apart) and why it answered so (Explain).
//
// Invariants:
//
//	I1  An unknown rule is denied.
//	I2  A file with any fault is refused whole, with file, line and snippet.
//	I3  The roles imply each other as Keystone's do, admin ⊃ manager ⊃ member ⊃
//	    reader: identity expands them, policy only compares names.
//	I4  What Verdict and Explain say is what a call is answered by.
//
// It imports cloud and nothing of the dialects; front.Policy is satisfied by *Set.
package policy

//go:generate go test . -run TestRulesPage -update
