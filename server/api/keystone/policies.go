package keystone

import (
	"cmp"
	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func policyRoutes() []front.Route {
	rows := []front.Route{
		{Method: "GET", Path: "/policies", Rule: "identity:policy:list", Handle: policyList},
		{Method: "POST", Path: "/policies", Rule: "identity:policy:create", Handle: policyCreate},
		{Method: "GET", Path: "/policies/{id}", Rule: "identity:policy:get", Handle: policyShow},
		{Method: "PATCH", Path: "/policies/{id}", Rule: "identity:policy:update", Handle: policyUpdate},
		{Method: "DELETE", Path: "/policies/{id}", Rule: "identity:policy:delete", Handle: deleter(identity.PolicyDelete)},
		{Method: "GET", Path: "/policies/{id}/OS-ENDPOINT-POLICY/endpoints", Rule: "identity:policy:get", Handle: policyEndpoints},
		{Method: "GET", Path: "/endpoints/{id}/OS-ENDPOINT-POLICY/policy", Rule: "identity:policy:get", Handle: endpointPolicy},
	}
	for _, place := range []string{"/endpoints/{endpoint}", "/services/{service}", "/services/{service}/regions/{region}"} {
		path := "/policies/{id}/OS-ENDPOINT-POLICY" + place
		rows = append(rows,
			front.Route{Method: "GET", Path: path, Rule: "identity:policy:get", Handle: policyApplies},
			front.Route{Method: "PUT", Path: path, Rule: "identity:policy:update", Handle: policyUse(identity.PolicyApply)},
			front.Route{Method: "DELETE", Path: path, Rule: "identity:policy:update", Handle: policyUse(identity.PolicyUnapply)})
	}
	return rows
}

type policyWire struct {
	ID    string         `json:"id"`
	Type  string         `json:"type"`
	Blob  string         `json:"blob"`
	Links self           `json:"links"`
	Extra identity.Extra `json:",embed"`
}

func renderPolicy(rq *front.Request, p identity.Policy) policyWire {
	return policyWire{p.ID, p.Type, p.Blob, selfLink(rq, "/policies/"+p.ID), p.Extra}
}

type policyBody struct {
	Policy struct {
		ID    optional[string] `json:"id"` // as in the path
		Type  optional[string] `json:"type"`
		Blob  optional[string] `json:"blob"`
		Extra identity.Extra   `json:",embed"`
	} `json:"policy"`
}

func (b *policyBody) apply(p *identity.Policy) error {
	b.Policy.Type.to(&p.Type)
	b.Policy.Blob.to(&p.Blob)
	return cmp.Or(keep("policy", &p.Extra, b.Policy.Extra), immutable("policy", "id", b.Policy.ID, p.ID))
}

func policyList(rq *front.Request) (*front.Response, error) {
	f := filterOf(rq)
	var out []policyWire
	for p := range identity.Policies.All(rq.Read()) {
		if f.text("type", p.Type) {
			out = append(out, renderPolicy(rq, p))
		}
	}
	return paged(rq, "policies", out, columns[policyWire]{"id": func(p *policyWire) string { return p.ID }, "type": func(p *policyWire) string { return p.Type }})
}

func policyShow(rq *front.Request) (*front.Response, error) {
	p, err := identity.PolicyGet(rq.Read(), rq.PathValue("id"))
	return front.OK(map[string]policyWire{"policy": renderPolicy(rq, p)}), err
}

func policyCreate(rq *front.Request) (*front.Response, error) {
	var b policyBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	var p identity.Policy
	if err := b.apply(&p); err != nil {
		return nil, err
	}
	err := made(rq, identity.Policies, &p, &p.ID, identity.PolicyPut)
	return front.Created(map[string]policyWire{"policy": renderPolicy(rq, p)}), err
}

func policyUpdate(rq *front.Request) (*front.Response, error) {
	var b policyBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	p, err := edited(rq, identity.PolicyGet, b.apply, identity.PolicyPut)
	return front.OK(map[string]policyWire{"policy": renderPolicy(rq, p)}), err
}

func policyUseOf(rq *front.Request) identity.PolicyUse {
	return identity.PolicyUse{PolicyID: rq.PathValue("id"), EndpointID: rq.PathValue("endpoint"), ServiceID: rq.PathValue("service"), RegionID: rq.PathValue("region")}
}

func policyApplies(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), identity.PolicyApplies(rq.Read(), policyUseOf(rq))
}

func policyUse(change func(*statestore.Txn, identity.PolicyUse) error) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		return front.NoContent(), rq.Write(func(tx *statestore.Txn) error { return change(tx, policyUseOf(rq)) })
	}
}

// policyEndpoints lists the endpoints that a policy applies to.
func policyEndpoints(rq *front.Request) (*front.Response, error) {
	p, err := identity.PolicyGet(rq.Read(), rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var out []endpointWire
	for e := range identity.Endpoints.All(rq.Read()) {
		if of, err := identity.PolicyOf(rq.Read(), e.ID); err == nil && of.ID == p.ID {
			out = append(out, renderEndpoint(rq, e))
		}
	}
	return list(rq, "endpoints", out), nil
}

func endpointPolicy(rq *front.Request) (*front.Response, error) {
	p, err := identity.PolicyOf(rq.Read(), rq.PathValue("id"))
	return front.OK(map[string]policyWire{"policy": renderPolicy(rq, p)}), err
}
