package node

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"google.golang.org/grpc/status"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/api/front/policy"
	"github.com/cloudlet/cloudlet/server/api/glance"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

// PolicyRule is a rule with what it protects and who passes it.
type PolicyRule struct {
	policy.Rule
	// Routes are the calls that ask it, as METHOD PATH and, where there is one, the
	// action. A rule without any is asked while a call is answered.
	Routes   []string
	Personas []policy.Verdict // of policy.Personas, in their order
}

// Policy returns the rules that are in force with an operator's file, which may be
// empty. An error shows file, line and snippet of what is wrong.
func Policy(file string) ([]PolicyRule, error) {
	set, err := policy.Load(file)
	if err != nil {
		return nil, err
	}
	routes := map[string][]string{}
	front.Rows(allServices(), func(s *front.Service, path string, r *front.Route) {
		if s.Visible != "" && len(routes[s.Visible]) == 0 {
			routes[s.Visible] = []string{"whatever a call below " + s.Root + " is about"}
		}
		call := r.Method + " " + path
		if r.Action != "" {
			call += " " + r.Action
		}
		if !slices.Contains(routes[r.Rule], call) {
			routes[r.Rule] = append(routes[r.Rule], call)
		}
	})
	var all []PolicyRule
	for _, name := range set.Names() {
		rule, err := set.Rule(name)
		if err != nil {
			return nil, err
		}
		p := PolicyRule{Rule: rule, Routes: routes[name]}
		for _, persona := range policy.Personas() {
			p.Personas = append(p.Personas, set.Verdict(name, persona))
		}
		all = append(all, p)
	}
	return all, nil
}

// Personas are who PolicyRule.Personas are of.
func Personas() []policy.Persona { return policy.Personas() }

// allServices are the dialects with every route that there can be, to look at only.
func allServices() []*front.Service {
	return Services(identity.Authority{}, nil, glance.Deps{Locations: true})
}

// PolicyQuestion asks whether a user may do something.
type PolicyQuestion struct {
	DataDir, PolicyFile string
	User, UserDomain    string
	Scope               identity.ScopeRef // by names, which may be ids
	// Target changes the thing that it is done to, which else is the caller's own.
	Target func(t *cloud.Target)
	Rules  []string
}

// PolicyAnswer is the answer for one rule.
type PolicyAnswer struct {
	Rule   policy.Rule
	Reason PolicyReason // True: it is allowed
}

// PolicyReason says why.
type PolicyReason = policy.Reason

// AskPolicy answers with the roles that the user has in the cloud, whether its
// server runs or not, and with the rules of the file.
func AskPolicy(ctx context.Context, q PolicyQuestion) (cloud.Caller, []PolicyAnswer, error) {
	set, err := policy.Load(q.PolicyFile)
	if err != nil {
		return cloud.Caller{}, nil, err
	}
	var answers []PolicyAnswer
	for _, name := range q.Rules {
		rule, err := set.Rule(name)
		if err != nil {
			return cloud.Caller{}, nil, err
		}
		answers = append(answers, PolicyAnswer{Rule: rule})
	}
	reply, err := callerOf(ctx, q)
	if err != nil {
		return cloud.Caller{}, nil, err
	}
	if reply.Refusal != "" {
		for i, a := range answers {
			answers[i].Reason = policy.Reason{Text: a.Rule.Text, Place: a.Rule.Place, Because: reply.Refusal}
		}
		return cloud.Caller{}, answers, nil
	}
	c := cloud.Caller{UserID: reply.UserId, UserDomainID: reply.UserDomainId, ProjectID: reply.ProjectId, ProjectDomainID: reply.ProjectDomainId,
		DomainID: reply.DomainId, System: reply.System, Roles: reply.Roles}
	t := c.Own()
	if q.Target != nil {
		q.Target(&t)
	}
	for i, a := range answers {
		answers[i].Reason = set.Explain(a.Rule.Name, c, t)
	}
	return c, answers, nil
}

// callerOf asks the server that runs, or else its state.
func callerOf(ctx context.Context, q PolicyQuestion) (reply *hostapi.GetCallerReply, err error) {
	rq := &hostapi.GetCallerRequest{UserDomain: q.UserDomain, User: q.User, ScopeKind: string(q.Scope.Kind), Scope: q.Scope.Name, ProjectDomain: q.Scope.DomainName}
	server, done, err := DialAdmin(ctx, q.DataDir)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, err
	case err != nil: // it does not run
		err = offline(ctx, q.DataDir, func(store *statestore.Store) (err error) {
			reply, err = caller(store.Snapshot(), identity.Authority{Clock: cloud.RealClock{}}, rq)
			return err
		})
		return reply, err
	}
	defer done()
	if reply, err = server.GetCaller(ctx, rq); err != nil {
		return nil, errors.New(status.Convert(err).Message())
	}
	return reply, nil
}

// caller answers the operator's command.
func (s *Server) caller(rq *hostapi.GetCallerRequest) (*hostapi.GetCallerReply, error) {
	return caller(s.store.Snapshot(), s.authority(), rq)
}

func caller(r statestore.Reader, a identity.Authority, rq *hostapi.GetCallerRequest) (*hostapi.GetCallerReply, error) {
	c, err := a.CallerOf(r, identity.UserRef{UserName: rq.User, UserDomainName: rq.UserDomain},
		identity.ScopeRef{Kind: identity.ScopeKind(rq.ScopeKind), Name: rq.Scope, DomainName: rq.ProjectDomain})
	if cloud.Is(err, cloud.Precondition) {
		return &hostapi.GetCallerReply{Refusal: cloud.AsError(err).Msg}, nil
	}
	if err != nil {
		return nil, err
	}
	return &hostapi.GetCallerReply{UserId: c.UserID, UserDomainId: c.UserDomainID, ProjectId: c.ProjectID, ProjectDomainId: c.ProjectDomainID,
		DomainId: c.DomainID, System: c.System, Roles: c.Roles}, nil
}
