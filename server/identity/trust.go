package identity

import (
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Trust lends some of a user's roles in a project to another user. It is worth
// something only while the first holds all of them, and both are enabled.
type Trust struct {
	ID, TrustorID, TrusteeID, ProjectID string
	RoleIDs                             []string
	Impersonation                       bool      // its tokens speak for the trustor, else for the trustee
	ExpiresAt                           time.Time // zero: never
	Counted                             bool      // only Remaining more tokens are to be had by it
	Remaining                           int
	Redelegations                       int    // how many steps it may be lent on
	ParentID                            string // the trust that was lent on
}

// MaxRedelegations is over how many steps a trust may be lent on: Keystone's
// max_redelegation_count.
const MaxRedelegations = 3

// Trusts has the trusts.
var Trusts = statestore.NewTable(statestore.TableDef[Trust]{Name: "trust", Version: 1, Key: func(t *Trust) string { return t.ID },
	Indexes: []statestore.Index[Trust]{
		{Name: "user", Keys: func(t *Trust) []string { return []string{t.TrustorID, t.TrusteeID} }},
		{Name: "project", Keys: func(t *Trust) []string { return []string{t.ProjectID} }},
		{Name: "parent", Keys: func(t *Trust) []string { return nonEmpty(t.ParentID) }},
	}})

// TrustGet returns a trust by id. Error kind: NotFound.
func TrustGet(r statestore.Reader, id string) (Trust, error) { return get(Trusts, r, "trust", id) }

// TrustMake stores a new trust; one that has a parent lends that on. Error kinds: Invalid,
// NotFound for a user or project, and for a role that the trustor does not have,
// Forbidden for what the parent does not allow, Quota.
func (a Authority) TrustMake(tx *statestore.Txn, t Trust) (Trust, error) {
	if _, err := UserGet(tx, t.TrusteeID); err != nil {
		return t, cloud.AsError(err).At("/trust/trustee_user_id")
	}
	if _, err := ProjectGet(tx, t.ProjectID); err != nil {
		return t, cloud.AsError(err).At("/trust/project_id")
	}
	if !t.ExpiresAt.IsZero() && !tx.Now().Before(t.ExpiresAt) {
		return t, cloud.Errorf(cloud.Invalid, "trust", "Invalid input for field 'expires_at': it is in the past.").At("/trust/expires_at")
	}
	if t.Redelegations < 0 || t.Redelegations > MaxRedelegations {
		return t, cloud.Errorf(cloud.Forbidden, "trust", "A trust can be lent on over at most %d steps.", MaxRedelegations)
	}
	if len(t.RoleIDs) == 0 {
		return t, cloud.Errorf(cloud.Forbidden, "trust", "At least one role should be specified.")
	}
	has := RolesIn(tx, t.TrustorID, Scope{ProjectScope, t.ProjectID})
	for _, id := range t.RoleIDs {
		if !holds(has, []string{id}) {
			return t, missing("role", id).At("/trust/roles")
		}
	}
	if t.ParentID != "" {
		if err := t.checkParent(tx); err != nil {
			return t, err
		}
	}
	given := 0
	for other := range Trusts.By(tx, "user", t.TrustorID) {
		if other.TrustorID == t.TrustorID {
			given++
		}
	}
	if err := room("trusts", given, a.TrustUserLimit); err != nil {
		return t, err
	}
	if t.ID == "" {
		t.ID = newID(tx)
	}
	Trusts.Put(tx, t)
	return t, nil
}

// checkParent refuses to lend on more than was lent.
func (t Trust) checkParent(r statestore.Reader) error {
	parent, err := TrustGet(r, t.ParentID)
	if err != nil {
		return err
	}
	refuse := func(why string) error {
		return cloud.Errorf(cloud.Forbidden, "trust", "The trust cannot be lent on: %s.", why)
	}
	switch {
	case parent.Redelegations < 1:
		return refuse("it does not allow that")
	case t.Redelegations >= parent.Redelegations:
		return refuse("it may be lent on over fewer steps")
	case t.ProjectID != parent.ProjectID || t.TrustorID != parent.TrustorID:
		return refuse("it is for another project or of another user")
	case !parent.Impersonation:
		return refuse("it is without impersonation")
	case !parent.ExpiresAt.IsZero() && (t.ExpiresAt.IsZero() || t.ExpiresAt.After(parent.ExpiresAt)):
		return refuse("it would last longer")
	case !holds(expanded(r, parent.RoleIDs), t.RoleIDs):
		return refuse("it has not all of the roles")
	}
	return nil
}

// TrustDelete deletes a trust and those by which it was lent on. Error kind: NotFound.
func TrustDelete(tx *statestore.Txn, id string) error {
	if !Trusts.Delete(tx, id) {
		return missing("trust", id)
	}
	dropTrusts(tx, "parent", id)
	return nil
}

// dropTrusts deletes those that index finds under a value, and those by which they
// were lent on.
func dropTrusts(tx *statestore.Txn, index, value string) {
	for _, t := range slices.Collect(Trusts.By(tx, index, value)) {
		Trusts.Delete(tx, t.ID)
		dropTrusts(tx, "parent", t.ID)
	}
}

// entrust makes a token of the trustee's one that rests on a trust; false if the user may not.
func (a Authority) entrust(r statestore.Reader, t *Token, id string) (Scope, bool) {
	trust, ok := Trusts.Get(r, id)
	if !ok || trust.TrusteeID != t.UserID || trust.Counted && trust.Remaining < 1 || t.AppCredentialID != "" || t.AccessTokenID != "" {
		return Scope{}, false
	}
	if t.TrustID = id; trust.Impersonation {
		t.UserID = trust.TrustorID
	}
	if !trust.ExpiresAt.IsZero() && trust.ExpiresAt.Before(t.ExpiresAt) {
		t.ExpiresAt = trust.ExpiresAt
	}
	if trust.Counted {
		t.spending = append(t.spending, func(tx *statestore.Txn) error { return trustSpend(tx, id) })
	}
	return Scope{ProjectScope, trust.ProjectID}, true
}

// trustSpend counts one use. Error kind: Unauthenticated if none is left.
func trustSpend(tx *statestore.Txn, id string) error {
	trust, ok := Trusts.Get(tx, id)
	if !ok || trust.Remaining < 1 {
		return errToken()
	}
	trust.Remaining--
	Trusts.Put(tx, trust)
	return nil
}

// trustHolds reports whether the trust that a token rests on still counts: for one that was lent
// on, whoever did that has to be there too.
func (a Authority) trustHolds(r statestore.Reader, t Token) bool {
	trust, ok := Trusts.Get(r, t.TrustID)
	if !ok || t.Scope != (Scope{ProjectScope, trust.ProjectID}) || !trust.ExpiresAt.IsZero() && !a.Clock.Now().Before(trust.ExpiresAt) {
		return false
	}
	for _, id := range []string{trust.TrustorID, trust.TrusteeID} {
		if !a.present(r, id) {
			return false
		}
	}
	for trust.ParentID != "" {
		if trust, ok = Trusts.Get(r, trust.ParentID); !ok || !a.present(r, trust.TrusteeID) {
			return false
		}
	}
	return true
}

// present reports whether a user is there and enabled, as is its domain.
func (a Authority) present(r statestore.Reader, id string) bool {
	u, ok := Users.Get(r, id)
	d, alive := Domains.Get(r, u.DomainID)
	return ok && a.Enabled(u) && alive && d.Enabled
}
