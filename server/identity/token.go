package identity

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// TokenLife is how long a token is valid from the authentication on.
const TokenLife = time.Hour

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
}

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
	var newest Key
	for k := range Keys.All(r) {
		if newest.ID == "" || k.CreatedAt.After(newest.CreatedAt) {
			newest = k
		}
	}
	aead, err := sealer(newest)
	if err != nil {
		return "", err
	}
	plain, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	rand.Read(nonce)
	return tokenMark + base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, []byte(tokenMark))), nil
}

// open reads a token that any of the keys sealed; false if none did.
func open(r statestore.Reader, token string) (Token, bool) {
	if len(token) > maxToken || len(token) < len(tokenMark) || token[:len(tokenMark)] != tokenMark {
		return Token{}, false
	}
	b, err := base64.RawURLEncoding.DecodeString(token[len(tokenMark):])
	if err != nil || len(b) < chacha20poly1305.NonceSizeX+chacha20poly1305.Overhead {
		return Token{}, false
	}
	for k := range Keys.All(r) {
		aead, err := sealer(k)
		if err != nil {
			continue
		}
		plain, err := aead.Open(nil, b[:aead.NonceSize()], b[aead.NonceSize():], []byte(tokenMark))
		if err != nil {
			continue
		}
		var t Token
		if json.Unmarshal(plain, &t) != nil {
			return Token{}, false
		}
		return t, true
	}
	return Token{}, false
}

// Rotate puts a new key in force. Tokens sealed under keys older than the last
// two can no longer be opened.
func Rotate(tx *statestore.Txn) {
	var old []Key
	for k := range Keys.All(tx) {
		old = append(old, k)
	}
	for len(old) > 1 {
		oldest := 0
		for i := range old {
			if old[i].CreatedAt.Before(old[oldest].CreatedAt) {
				oldest = i
			}
		}
		Keys.Delete(tx, old[oldest].ID)
		old = append(old[:oldest], old[oldest+1:]...)
	}
	secret := make([]byte, chacha20poly1305.KeySize)
	rand.Read(secret)
	Keys.Put(tx, Key{ID: tx.NewID(), Secret: secret, CreatedAt: tx.Now()})
}

// TokenRevoke voids a token, and forgets revocations that no longer matter.
func TokenRevoke(tx *statestore.Txn, t Token) {
	for old := range Revocations.All(tx) {
		if old.ExpiresAt.Before(tx.Now()) {
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
