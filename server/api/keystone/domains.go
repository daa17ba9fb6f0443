package keystone

import (
	"cmp"

	"github.com/go-json-experiment/json"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func domainRoutes() []front.Route {
	t := domainTarget
	return []front.Route{
		{Method: "GET", Path: "/domains", Rule: "identity:domain:list", Handle: domainList},
		{Method: "POST", Path: "/domains", Rule: "identity:domain:create", Handle: domainCreate},
		{Method: "GET", Path: "/domains/{id}", Rule: "identity:domain:get", Target: t, Handle: domainShow},
		{Method: "PATCH", Path: "/domains/{id}", Rule: "identity:domain:update", Target: t, Handle: domainUpdate},
		{Method: "DELETE", Path: "/domains/{id}", Rule: "identity:domain:delete", Target: t, Handle: deleter(identity.DomainDelete)},
	}
}

func domainTarget(rq *front.Request) (cloud.Target, error) {
	return targetOfDomain(rq, rq.PathValue("id")), nil
}

// targetOfDomain marks the domains that the caller's token names: it may read
// of them what it knows of them already.
func targetOfDomain(rq *front.Request, id string) cloud.Target {
	c := rq.Caller
	if id != "" && (id == c.UserDomainID || id == c.ProjectDomainID || id == c.DomainID) {
		return cloud.Target{DomainID: id, Public: true, Attr: map[string]string{"of_token": "true"}}
	}
	return cloud.Target{DomainID: id}
}

// homeDomain is the domain of what is made without naming one.
func homeDomain(rq *front.Request) string {
	return cmp.Or(rq.Caller.DomainID, rq.Caller.ProjectDomainID, identity.DefaultDomain)
}

// newIn is the target of a row that makes a project, user or group: the domain that
// the body names. A body that is wrong is told to those who may make one.
func newIn(kind string) func(*front.Request) (cloud.Target, error) {
	return func(rq *front.Request) (cloud.Target, error) {
		body, err := rq.Body()
		if err != nil {
			return cloud.Target{}, err
		}
		var b map[string]struct {
			DomainID string `json:"domain_id"`
			ParentID string `json:"parent_id"`
		}
		t := cloud.Target{DomainID: homeDomain(rq), Public: true}
		if json.Unmarshal(body, &b) == nil {
			t.DomainID = domainOfNew(rq, b[kind].DomainID, b[kind].ParentID)
		}
		return t, nil
	}
}

// domainOfNew is the domain of what is made: the one that the body names, else
// that of its parent, else the caller's.
func domainOfNew(rq *front.Request, domain, parent string) string {
	p, _ := identity.ProjectGet(rq.Read(), parent)
	if p.IsDomain {
		p.DomainID = p.ID
	}
	return cmp.Or(domain, p.DomainID, homeDomain(rq))
}

type domainWire struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Enabled     bool             `json:"enabled"`
	Tags        []string         `json:"tags"`
	Options     identity.Options `json:"options"`
	Links       self             `json:"links"`
	Extra       identity.Extra   `json:",embed"`
}

var domainColumns = columns[domainWire]{"id": func(d *domainWire) string { return d.ID }, "name": func(d *domainWire) string { return d.Name }}

func renderDomain(rq *front.Request, d identity.Domain) domainWire {
	return domainWire{ID: d.ID, Name: d.Name, Description: d.Description, Enabled: d.Enabled, Tags: append([]string{}, d.Tags...),
		Options: d.Options, Links: selfLink(rq, "/domains/"+d.ID), Extra: d.Extra}
}

type domainBody struct {
	Domain struct {
		ID          optional[string]   `json:"id"`                 // as in the path
		ExplicitID  optional[string]   `json:"explicit_domain_id"` // of a new one
		Name        optional[string]   `json:"name"`
		Description optional[string]   `json:"description"`
		Enabled     optional[bool]     `json:"enabled"`
		Tags        optional[[]string] `json:"tags"`
		Options     identity.Options   `json:"options"`
		Extra       identity.Extra     `json:",embed"`
	} `json:"domain"`
}

func (b *domainBody) apply(d *identity.Domain) error {
	w := b.Domain
	w.Name.to(&d.Name)
	w.Description.to(&d.Description)
	w.Enabled.to(&d.Enabled)
	return cmp.Or(immutable("domain", "id", w.ID, d.ID), setTags("/domain/tags", w.Tags, &d.Tags),
		change("domain", &d.Options, w.Options, &d.Extra, w.Extra))
}

func domainList(rq *front.Request) (*front.Response, error) {
	f := filterOf(rq)
	var out []domainWire
	for d := range identity.Domains.All(rq.Read()) {
		if f.text("name", d.Name) && f.truth("enabled", d.Enabled) && f.tags(d.Tags) && rq.Can("identity:domain:get", targetOfDomain(rq, d.ID)) {
			out = append(out, renderDomain(rq, d))
		}
	}
	return paged(rq, "domains", out, domainColumns)
}

func domainShow(rq *front.Request) (*front.Response, error) {
	d, err := identity.DomainGet(rq.Read(), rq.PathValue("id"))
	return front.OK(map[string]domainWire{"domain": renderDomain(rq, d)}), err
}

func domainCreate(rq *front.Request) (*front.Response, error) {
	var b domainBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	d := identity.Domain{Enabled: true}
	if err := b.apply(&d); err != nil {
		return nil, err
	}
	err := made(rq, identity.Domains, &d, &d.ID, func(tx *statestore.Txn, d identity.Domain) (identity.Domain, error) {
		return identity.DomainMake(tx, d, b.Domain.ExplicitID.Value)
	})
	return front.Created(map[string]domainWire{"domain": renderDomain(rq, d)}), err
}

func domainUpdate(rq *front.Request) (*front.Response, error) {
	var b domainBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	d, err := edited(rq, identity.DomainGet, b.apply, identity.DomainPut)
	return front.OK(map[string]domainWire{"domain": renderDomain(rq, d)}), err
}
