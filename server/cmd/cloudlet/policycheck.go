package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/server/node"
)

// policyCheckCommand tells whether a user may do something, and why.
func policyCheckCommand(ctx context.Context, args []string, out, errOut io.Writer) error {
	s := newSettings("policy check", "Tells whether a user, with the roles that it has in the cloud, passes rules, and why. The server may run or not. Exit status: 0 allowed, 1 refused, 2 it cannot be told.", errOut).withServerFile()
	s.takes = "RULE…"
	q := node.PolicyQuestion{}
	file := s.policyFile()
	s.StringVar(&q.DataDir, "data-dir", defaultDataDir(), "`directory` of the server's state")
	s.StringVar(&q.User, "user", "", "`name` or id of the user")
	s.StringVar(&q.UserDomain, "user-domain", "Default", "`name` or id of the user's domain")
	scopes := s.scopes(&q.Scope)
	var changes []func(*cloud.Target)
	s.Func("target", "quality of the thing that it is done to, `name=value`: project_id, user_id, domain_id, public, attr.NAME; may repeat. Unless told it is of the user, project and domain that ask", func(v string) error {
		change, err := targetChange(v)
		changes = append(changes, change)
		return err
	})
	if err := s.parse(args); err != nil {
		return err
	}
	if q.User == "" {
		return s.wrong("-user is required")
	}
	if *scopes != 1 {
		return s.wrong("one of -project, -domain and -system is required")
	}
	if s.NArg() == 0 {
		return s.wrong("a RULE is required; 'cloudlet policy list' shows them")
	}
	q.PolicyFile, q.Rules = *file, s.Args()
	q.Target = func(t *cloud.Target) {
		for _, change := range changes {
			change(t)
		}
	}
	caller, answers, err := node.AskPolicy(ctx, q)
	if err != nil {
		return s.cannotTell(err)
	}
	return tellAnswers(out, caller, answers)
}

// scopes adds the flags that say what the user works in, and returns how many were given.
func (s *settings) scopes(in *identity.ScopeRef) *int {
	given := new(int)
	set := func(kind identity.ScopeKind) func(string) error {
		return func(name string) error {
			*given++
			in.Kind, in.Name = kind, name
			return nil
		}
	}
	s.Func("project", "the user works in the project of this `name` or id", set(identity.ProjectScope))
	s.StringVar(&in.DomainName, "project-domain", "Default", "`name` or id of the project's domain")
	s.Func("domain", "the user works on the domain of this `name` or id", set(identity.DomainScope))
	s.BoolFunc("system", "the user works on the system", func(text string) error {
		if on, err := strconv.ParseBool(text); err != nil || !on {
			return err
		}
		return set(identity.SystemScope)("")
	})
	return given
}

// targetChange reads one -target.
func targetChange(text string) (func(*cloud.Target), error) {
	name, v, ok := strings.Cut(text, "=")
	attr, isAttr := strings.CutPrefix(name, "attr.")
	switch {
	case !ok:
		return nil, fmt.Errorf("must be name=value")
	case name == "project_id":
		return func(t *cloud.Target) { t.ProjectID = v }, nil
	case name == "user_id":
		return func(t *cloud.Target) { t.UserID = v }, nil
	case name == "domain_id":
		return func(t *cloud.Target) { t.DomainID = v }, nil
	case name == "public":
		public, err := strconv.ParseBool(v)
		if err != nil {
			return nil, fmt.Errorf("public must be true or false")
		}
		return func(t *cloud.Target) { t.Public = public }, nil
	case isAttr && attr != "":
		return func(t *cloud.Target) {
			if t.Attr == nil {
				t.Attr = map[string]string{}
			}
			t.Attr[attr] = v
		}, nil
	}
	return nil, fmt.Errorf("there is no %q; there are project_id, user_id, domain_id, public and attr.NAME", name)
}

// tellAnswers returns errRefused if any of them is no.
func tellAnswers(out io.Writer, c cloud.Caller, answers []node.PolicyAnswer) error {
	var b strings.Builder
	if len(c.Roles) > 0 {
		fmt.Fprintf(&b, "roles there: %s\n", strings.Join(c.Roles, ", "))
	}
	var refused error
	for _, a := range answers {
		word := "allowed"
		if !a.Reason.True {
			word, refused = "refused", errRefused
		}
		fmt.Fprintf(&b, "%s  %s  (%s:%d)\n", word, a.Rule.Name, a.Rule.File, a.Rule.Line)
		tellReason(&b, a.Reason, "  ")
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return err
	}
	return refused
}

// tellReason writes a line for each part that decided, further in for each step down.
func tellReason(b *strings.Builder, r node.PolicyReason, in string) {
	fmt.Fprintf(b, "%s%t: %s", in, r.True, r.Text)
	if r.Means != "" {
		fmt.Fprintf(b, " = %s  (%s:%d)", r.Means, r.File, r.Line)
	}
	if r.Because != "" {
		fmt.Fprintf(b, ": %s", r.Because)
	}
	b.WriteByte('\n')
	for _, part := range r.Parts {
		tellReason(b, part, in+"  ")
	}
}
