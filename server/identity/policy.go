package identity

import (
	"slices"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Policy is a text that services may fetch. Keystone gives it no meaning, and Cloudlet's own
// rules are elsewhere.
type Policy struct {
	ID, Type, Blob string
	Extra          Extra `json:",omitempty"`
}

// PolicyUse says to which endpoints a policy applies: to one, or to those of a service,
// or to those of a service in a region and the regions below it.
type PolicyUse struct {
	EndpointID, ServiceID, RegionID string
	PolicyID                        string
}

func (u PolicyUse) key() string { return statestore.Key(u.EndpointID, u.ServiceID, u.RegionID) }

// The tables of policies. To one place at most one applies.
var (
	Policies   = statestore.NewTable(statestore.TableDef[Policy]{Name: "policy", Version: 1, Key: func(p *Policy) string { return p.ID }})
	PolicyUses = statestore.NewTable(statestore.TableDef[PolicyUse]{Name: "policy_use", Version: 1, Key: func(u *PolicyUse) string { return u.key() },
		Indexes: []statestore.Index[PolicyUse]{
			{Name: "policy", Keys: func(u *PolicyUse) []string { return []string{u.PolicyID} }},
			{Name: "endpoint", Keys: func(u *PolicyUse) []string { return nonEmpty(u.EndpointID) }},
			{Name: "service", Keys: func(u *PolicyUse) []string { return nonEmpty(u.ServiceID) }},
			{Name: "region", Keys: func(u *PolicyUse) []string { return nonEmpty(u.RegionID) }},
		}})
)

// PolicyGet returns a policy by id. Error kind: NotFound.
func PolicyGet(r statestore.Reader, id string) (Policy, error) {
	return get(Policies, r, "policy", id)
}

// PolicyPut stores a new or changed policy. Error kind: Invalid.
func PolicyPut(tx *statestore.Txn, p Policy) (Policy, error) {
	if p.Type == "" || len(p.Type) > 255 {
		return p, cloud.Errorf(cloud.Invalid, "policy", "Invalid input for field 'type': a type of 1 to 255 characters is required.").At("/policy/type")
	}
	if p.Blob == "" {
		return p, cloud.Errorf(cloud.Invalid, "policy", "Invalid input for field 'blob': it is a required property.").At("/policy/blob")
	}
	if p.ID == "" {
		p.ID = newID(tx)
	}
	Policies.Put(tx, p)
	return p, nil
}

// PolicyDelete deletes a policy and where it applies. Error kind: NotFound.
func PolicyDelete(tx *statestore.Txn, id string) error {
	if !Policies.Delete(tx, id) {
		return missing("policy", id)
	}
	dropPolicyUses(tx, "policy", id)
	return nil
}

func dropPolicyUses(tx *statestore.Txn, index, value string) {
	for _, u := range slices.Collect(PolicyUses.By(tx, index, value)) {
		PolicyUses.Delete(tx, u.key())
	}
}

// exists refuses a use of what there is not.
func (u PolicyUse) exists(r statestore.Reader) error {
	if _, err := PolicyGet(r, u.PolicyID); err != nil {
		return err
	}
	if _, ok := Endpoints.Get(r, u.EndpointID); u.EndpointID != "" && !ok {
		return missing("endpoint", u.EndpointID)
	}
	if _, ok := Services.Get(r, u.ServiceID); u.ServiceID != "" && !ok {
		return missing("service", u.ServiceID)
	}
	if _, ok := Regions.Get(r, u.RegionID); u.RegionID != "" && !ok {
		return missing("region", u.RegionID)
	}
	return nil
}

// PolicyApply makes a policy apply, in place of another. Error kind: NotFound.
func PolicyApply(tx *statestore.Txn, u PolicyUse) error {
	if err := u.exists(tx); err != nil {
		return err
	}
	PolicyUses.Put(tx, u)
	return nil
}

// PolicyApplies tells whether exactly this was said. Error kind: NotFound.
func PolicyApplies(r statestore.Reader, u PolicyUse) error {
	if err := u.exists(r); err != nil {
		return err
	}
	if is, ok := PolicyUses.Get(r, u.key()); !ok || is != u {
		return cloud.Errorf(cloud.NotFound, "policy", "Could not find policy association.")
	}
	return nil
}

// PolicyUnapply takes that back. Error kind: NotFound.
func PolicyUnapply(tx *statestore.Txn, u PolicyUse) error {
	if err := PolicyApplies(tx, u); err != nil {
		return err
	}
	PolicyUses.Delete(tx, u.key())
	return nil
}

// PolicyOf returns the policy that applies to an endpoint: what was said of itself
// counts before its service in its region, then the regions above, then the service. Error
// kind: NotFound.
func PolicyOf(r statestore.Reader, endpointID string) (Policy, error) {
	e, err := EndpointGet(r, endpointID)
	if err != nil {
		return Policy{}, err
	}
	places := []PolicyUse{{EndpointID: e.ID}}
	for region, ok := Regions.Get(r, e.RegionID); ok; region, ok = Regions.Get(r, region.ParentID) {
		places = append(places, PolicyUse{ServiceID: e.ServiceID, RegionID: region.ID})
	}
	for _, place := range append(places, PolicyUse{ServiceID: e.ServiceID}) {
		if u, ok := PolicyUses.Get(r, place.key()); ok {
			return PolicyGet(r, u.PolicyID)
		}
	}
	return Policy{}, cloud.Errorf(cloud.NotFound, "policy", "No policy is associated with endpoint %s.", endpointID)
}
