package identity

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// DefaultTokenLife is how long a token is valid from the authentication on, unless
// the settings say otherwise.
const DefaultTokenLife = time.Hour

func (a Authority) tokenLife() time.Duration { return cmp.Or(a.TokenLife, DefaultTokenLife) }

// tokenMark begins every token: it tells ours from others, and the format.
const tokenMark = "clt1."

// maxToken bounds what is tried to be opened, in bytes.
const maxToken = 2048

// Token is what a token says.
type Token struct {
	UserID    string    `json:"u"`
	Scope     Scope     `json:"s"`
	Methods   []string  `json:"m"`
	IssuedAt  time.Time `json:"i"`
	ExpiresAt time.Time `json:"e"`
	AuditIDs  []string  `json:"a"` // its own, then that of the first token of its chain
	// AppCredentialID is that of the application credential that it rests on.
	AppCredentialID string `json:"c,omitzero"`
	TrustID         string `json:"t,omitzero"` // of the trust that it rests on
	AccessTokenID   string `json:"o,omitzero"` // of the OAuth access token that it rests on
	Receipt         bool   `json:"r,omitzero"` // it is worth nothing alone: see MissingFactors
	// Epoch is epochOf as the issuer read it. Times of issue would not do: while a change
	// of a password is made durable, tokens still are issued from the state before.
	Epoch time.Time `json:"v,omitzero"`

	spending []func(*statestore.Txn) error // of a token that is being issued
}

// Spend takes what the authentication used up: a passcode counts once. A token is given out
// only if it succeeds. Error kind: Unauthenticated if it is used up already.
func (t Token) Spend(tx *statestore.Txn) error {
	for _, spend := range t.spending {
		if err := spend(tx); err != nil {
			return err
		}
	}
	return nil
}

// Spends reports whether Spend has anything to do.
func (t Token) Spends() bool { return len(t.spending) > 0 }

// errToken is what an invalid token is told, whatever is wrong with it.
func errToken() *cloud.Error {
	return cloud.Errorf(cloud.Unauthenticated, "", "The request you have made requires authentication.")
}

// seal renders a token under the newest key.
func seal(r statestore.Reader, t Token) (string, error) {
	plain, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	box, err := encrypt(r, tokenMark, plain)
	return tokenMark + base64.RawURLEncoding.EncodeToString(box), err
}

// open reads a token that any of the keys sealed; false if none did.
func open(r statestore.Reader, token string) (t Token, ok bool) {
	if len(token) > maxToken || len(token) < len(tokenMark) || token[:len(tokenMark)] != tokenMark {
		return Token{}, false
	}
	b, err := base64.RawURLEncoding.DecodeString(token[len(tokenMark):])
	if err != nil {
		return Token{}, false
	}
	plain, ok := decrypt(r, tokenMark, b)
	if !ok || json.Unmarshal(plain, &t) != nil {
		return Token{}, false
	}
	return t, true
}

// epochOf is when the tokens of the users that a token rests on were last voided.
func epochOf(r statestore.Reader, t Token) time.Time {
	trust, _ := Trusts.Get(r, t.TrustID)
	var last time.Time
	for _, id := range []string{t.UserID, trust.TrustorID, trust.TrusteeID} {
		if u, _ := Users.Get(r, id); u.ValidAfter.After(last) {
			last = u.ValidAfter
		}
	}
	return last
}

// TokenRevoke voids a token, and forgets revocations that no longer matter. Tokens
// that were made from it live on, as in Keystone: who changes the scope revokes the token
// before.
func TokenRevoke(tx *statestore.Txn, t Token) {
	var past []string
	for old := range Revocations.ByPrefix(tx, "expires", "") { // the soonest first
		if !old.ExpiresAt.Add(ExpiredWindow).Before(tx.Now()) {
			break
		}
		past = append(past, old.AuditID)
	}
	for _, id := range past {
		Revocations.Delete(tx, id)
	}
	Revocations.Put(tx, Revocation{AuditID: t.AuditIDs[0], ExpiresAt: t.ExpiresAt})
}

// auditID is a fresh random name of a token that is not the token.
func auditID() string {
	b := make([]byte, 16)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
