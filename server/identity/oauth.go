package identity

import (
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// OAuthToken is what a consumer has of a user (RFC 5849). It begins as a request token,
// which asks for a project. A user authorizes that with some roles, and tells the consumer
// the verifier; for both the consumer gets the access token, by which it authenticates.
type OAuthToken struct {
	ID, ConsumerID, ProjectID string
	Access                    bool      // it is an access token
	UserID                    string    // who authorized it; empty: nobody yet
	RoleIDs                   []string  // with which roles
	Verifier                  string    // of a request token that is authorized
	ExpiresAt                 time.Time // zero: never
	Sealed                    []byte    // the secret, under one of the token keys
}

// Bounds of what one consumer may ask for and what one user may have authorized.
const (
	maxRequestTokens = 1000
	maxAccessTokens  = 1000
)

// OAuthTokens has the request and the access tokens.
var OAuthTokens = statestore.NewTable(statestore.TableDef[OAuthToken]{Name: "oauth_token", Version: 1, Key: func(t *OAuthToken) string { return t.ID },
	Indexes: []statestore.Index[OAuthToken]{
		{Name: "consumer", Keys: func(t *OAuthToken) []string { return []string{t.ConsumerID} }},
		{Name: "user", Keys: func(t *OAuthToken) []string { return nonEmpty(t.UserID) }},
		{Name: "project", Keys: func(t *OAuthToken) []string { return []string{t.ProjectID} }},
	}})

func (t OAuthToken) aad() string { return "oauth token " + t.ID }

func (t OAuthToken) live(now time.Time) bool { return t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt) }

// AccessTokensOf returns the access tokens that a user authorized and that have not expired.
func (a Authority) AccessTokensOf(r statestore.Reader, userID string) (tokens []OAuthToken) {
	for t := range OAuthTokens.By(r, "user", userID) {
		if t.Access && t.live(a.Clock.Now()) {
			tokens = append(tokens, t)
		}
	}
	return tokens
}

// AccessTokenGet returns an access token by id and the user who authorized it. Error kind: NotFound.
func AccessTokenGet(r statestore.Reader, userID, id string) (OAuthToken, error) {
	t, ok := OAuthTokens.Get(r, id)
	if !ok || !t.Access || t.UserID != userID {
		return t, missing("access token", id)
	}
	return t, nil
}

// AccessTokenDelete ends what a user authorized. Error kind: NotFound.
func AccessTokenDelete(tx *statestore.Txn, userID, id string) error {
	if _, err := AccessTokenGet(tx, userID, id); err != nil {
		return err
	}
	OAuthTokens.Delete(tx, id)
	return nil
}

// RequestTokenMake gives the consumer that signed a request a new request token with a
// secret, for a project. Error kinds: Unauthenticated, without a hint of what is wrong with
// the signature; NotFound for the project, Quota.
func (a Authority) RequestTokenMake(tx *statestore.Txn, q OAuthRequest, projectID, secret string) (OAuthToken, error) {
	t, err := q.prove(tx, tx.Now(), requestOfConsumer)
	if err != nil {
		return t, err
	}
	if _, err := ProjectGet(tx, projectID); err != nil {
		return t, err
	}
	if err := room("request tokens", dropExpired(tx, "consumer", t.ConsumerID, false), maxRequestTokens); err != nil {
		return t, err
	}
	t.ProjectID = projectID
	return oauthMake(tx, t, secret, a.RequestTokenLife, q)
}

// RequestTokenAuthorize lends some roles of a user to who has the request token and will be
// told the verifier. Error kinds: NotFound, Forbidden for one that another user
// authorized, Invalid without roles, Unauthenticated if it has expired or the user does not have a role.
func RequestTokenAuthorize(tx *statestore.Txn, id, userID string, roleIDs []string, verifier string) error {
	t, ok := OAuthTokens.Get(tx, id)
	switch {
	case !ok || t.Access:
		return missing("request token", id)
	case !t.live(tx.Now()):
		return cloud.Errorf(cloud.Unauthenticated, "request token", "Request token is expired.")
	case t.UserID != "" && t.UserID != userID:
		return cloud.Errorf(cloud.Forbidden, "request token", "Another user has authorized the request token.")
	case len(roleIDs) == 0:
		return cloud.Errorf(cloud.Invalid, "request token", "Invalid input for field 'roles': at least one role is required.").At("/roles")
	case !holds(RolesIn(tx, userID, Scope{ProjectScope, t.ProjectID}), roleIDs):
		return cloud.Errorf(cloud.Unauthenticated, "request token", "authorizing user does not have role required").At("/roles")
	}
	t.UserID, t.RoleIDs, t.Verifier = userID, slices.Compact(slices.Sorted(slices.Values(roleIDs))), verifier
	OAuthTokens.Put(tx, t)
	return nil
}

// AccessTokenMake exchanges the request token by which a request was signed for an access
// token with a secret. Error kinds: Unauthenticated, without a hint of what is wrong; Quota.
func (a Authority) AccessTokenMake(tx *statestore.Txn, q OAuthRequest, secret string) (OAuthToken, error) {
	t, err := q.prove(tx, tx.Now(), requestOfVerified)
	if err != nil {
		return t, err
	}
	if err := room("access tokens", dropExpired(tx, "user", t.UserID, true), maxAccessTokens); err != nil {
		return t, err
	}
	OAuthTokens.Delete(tx, t.ID)
	t.Access, t.Verifier = true, ""
	return oauthMake(tx, t, secret, a.AccessTokenLife, q)
}

// oauthMake stores a new token under an id of its own, and spends the request for it.
func oauthMake(tx *statestore.Txn, t OAuthToken, secret string, life time.Duration, q OAuthRequest) (OAuthToken, error) {
	if err := q.spend(tx); err != nil {
		return t, err
	}
	t.ID, t.ExpiresAt = newID(tx), time.Time{}
	if life > 0 {
		t.ExpiresAt = tx.Now().Add(life).Truncate(time.Second)
	}
	var err error
	if t.Sealed, err = encrypt(tx, t.aad(), []byte(secret)); err != nil {
		return t, err
	}
	OAuthTokens.Put(tx, t)
	return t, nil
}

// dropExpired deletes what has expired of the tokens that index finds under a value, and
// returns how many are left.
func dropExpired(tx *statestore.Txn, index, value string, access bool) (left int) {
	for _, t := range slices.Collect(OAuthTokens.By(tx, index, value)) {
		switch {
		case t.Access != access:
		case t.live(tx.Now()):
			left++
		default:
			OAuthTokens.Delete(tx, t.ID)
		}
	}
	return left
}

// dropOAuth deletes the tokens that index finds under a value.
func dropOAuth(tx *statestore.Txn, index, value string) {
	for _, t := range slices.Collect(OAuthTokens.By(tx, index, value)) {
		OAuthTokens.Delete(tx, t.ID)
	}
}

// oauthProve adds to a token that a consumer asks for it by an access token.
func (a Authority) oauthProve(r statestore.Reader, q OAuthRequest, t *Token) error {
	access, err := q.prove(r, a.Clock.Now(), requestOfAccess)
	if err != nil {
		return err
	}
	if t.UserID != "" && t.UserID != access.UserID || t.AppCredentialID != "" {
		return errToken()
	}
	t.UserID, t.AccessTokenID = access.UserID, access.ID
	if !access.ExpiresAt.IsZero() && access.ExpiresAt.Before(t.ExpiresAt) {
		t.ExpiresAt = access.ExpiresAt
	}
	t.spending = append(t.spending, q.spend)
	return nil
}

// accessHolds reports whether the access token that a token rests on still counts.
func (a Authority) accessHolds(r statestore.Reader, t Token) bool {
	access, ok := OAuthTokens.Get(r, t.AccessTokenID)
	return ok && access.Access && access.UserID == t.UserID && t.Scope == Scope{ProjectScope, access.ProjectID} && access.live(a.Clock.Now())
}
