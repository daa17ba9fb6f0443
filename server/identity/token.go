package identity

import (
	"cmp"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/crypto/chacha20poly1305"

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

// sealers keeps the ciphers of keys, which never change.
var sealers sync.Map // Key.ID → cipher.AEAD

func sealer(k Key) (cipher.AEAD, error) {
	if a, ok := sealers.Load(k.ID); ok {
		return a.(cipher.AEAD), nil
	}
	a, err := chacha20poly1305.NewX(k.Secret)
	if err == nil {
		sealers.Store(k.ID, a)
	}
	return a, err
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

// encrypt seals bytes under the newest key; aad is what they are, and of what.
func encrypt(r statestore.Reader, aad string, plain []byte) ([]byte, error) {
	var newest Key
	for k := range Keys.All(r) {
		if newest.ID == "" || k.CreatedAt.After(newest.CreatedAt) {
			newest = k
		}
	}
	aead, err := sealer(newest)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	rand.Read(nonce)
	return aead.Seal(nonce, nonce, plain, []byte(aad)), nil
}

// decrypt opens bytes that any of the keys sealed; false if none did.
func decrypt(r statestore.Reader, aad string, box []byte) ([]byte, bool) {
	if len(box) < chacha20poly1305.NonceSizeX+chacha20poly1305.Overhead {
		return nil, false
	}
	for k := range Keys.All(r) {
		aead, err := sealer(k)
		if err != nil {
			continue
		}
		if plain, err := aead.Open(nil, box[:aead.NonceSize()], box[aead.NonceSize():], []byte(aad)); err == nil {
			return plain, true
		}
	}
	return nil, false
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

// Rotate puts a new key in force. Keys that were replaced longer ago than keep are
// forgotten: no token that they sealed is to be valid any more. What else is stored
// sealed comes under the new one.
func Rotate(tx *statestore.Txn, keep time.Duration) error {
	opened, err := openSealed(tx)
	if err != nil {
		return err
	}
	keys := slices.SortedFunc(Keys.All(tx), func(a, b Key) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for n := range len(keys) - 1 {
		if replaced := keys[n+1].CreatedAt; tx.Now().Sub(replaced) > keep {
			Keys.Delete(tx, keys[n].ID)
		}
	}
	secret := make([]byte, chacha20poly1305.KeySize)
	rand.Read(secret)
	Keys.Put(tx, Key{ID: tx.NewID(), Secret: secret, CreatedAt: tx.Now()})
	return sealAgain(tx, opened)
}

// sealed is what is stored under a token key, opened.
type sealed struct {
	aad   string
	plain []byte
	put   func(box []byte)
}

// openSealed opens all that is stored sealed. Error kind: Internal if no key opens it.
func openSealed(tx *statestore.Txn) (all []sealed, err error) {
	add := func(aad string, box []byte, put func([]byte)) {
		plain, ok := decrypt(tx, aad, box)
		if !ok {
			err = cloud.Errorf(cloud.Internal, "", "No key opens the %s.", aad)
		}
		all = append(all, sealed{aad, plain, put})
	}
	for c := range StoredCredentials.All(tx) {
		add(c.aad(), c.Sealed, func(box []byte) { c.Sealed = box; StoredCredentials.Put(tx, c) })
	}
	for c := range Consumers.All(tx) {
		add(c.aad(), c.Sealed, func(box []byte) { c.Sealed = box; Consumers.Put(tx, c) })
	}
	for t := range OAuthTokens.All(tx) {
		add(t.aad(), t.Sealed, func(box []byte) { t.Sealed = box; OAuthTokens.Put(tx, t) })
	}
	return all, err
}

// sealAgain stores it under the newest key.
func sealAgain(tx *statestore.Txn, all []sealed) error {
	for _, s := range all {
		box, err := encrypt(tx, s.aad, s.plain)
		if err != nil {
			return err
		}
		s.put(box)
	}
	return nil
}

// KeysRotate puts a new key in force and keeps those whose tokens may be valid.
func (a Authority) KeysRotate(tx *statestore.Txn) error {
	return Rotate(tx, a.tokenLife()+ExpiredWindow)
}

// TokenRevoke voids a token, and forgets revocations that no longer matter.
func TokenRevoke(tx *statestore.Txn, t Token) {
	for old := range Revocations.All(tx) {
		if old.ExpiresAt.Add(ExpiredWindow).Before(tx.Now()) {
			Revocations.Delete(tx, old.AuditID)
		}
	}
	Revocations.Put(tx, Revocation{AuditID: t.AuditIDs[0], ExpiresAt: t.ExpiresAt})
}

// auditID is a fresh random name of a token that is not the token.
func auditID() string {
	b := make([]byte, 16)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
