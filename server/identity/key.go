package identity

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Key seals tokens. The newest one seals; all of them open.
type Key struct {
	ID        string
	Secret    []byte
	CreatedAt time.Time
	// Keep is for how long after it was replaced it may be needed.
	Keep time.Duration
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

// newestKey returns the key that seals; the zero one if there is none.
func newestKey(r statestore.Reader) (newest Key) {
	for k := range Keys.All(r) {
		if newest.ID == "" || k.CreatedAt.After(newest.CreatedAt) {
			newest = k
		}
	}
	return newest
}

// encrypt seals bytes under the newest key; aad is what they are, and of what. It draws
// its nonce also in a transaction: whichever it is, the same is stored.
func encrypt(r statestore.Reader, aad string, plain []byte) ([]byte, error) {
	aead, err := sealer(newestKey(r))
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

// NewKey returns the secret of a new key. It is drawn before the transaction that puts it
// in force.
func NewKey() []byte {
	b := make([]byte, chacha20poly1305.KeySize)
	rand.Read(b)
	return b
}

// KeyRotate puts a new key in force. Keys that were replaced longer ago than keep, and than
// their own Keep, are forgotten: no token that they sealed is valid any more. What
// else is stored sealed comes under the new one.
func KeyRotate(tx *statestore.Txn, secret []byte, keep time.Duration) error {
	opened, err := openSealed(tx)
	if err != nil {
		return err
	}
	keys := slices.SortedFunc(Keys.All(tx), func(a, b Key) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for n := range len(keys) - 1 {
		if replaced := keys[n+1].CreatedAt; tx.Now().Sub(replaced) > max(keep, keys[n].Keep) {
			Keys.Delete(tx, keys[n].ID)
		}
	}
	Keys.Put(tx, Key{ID: tx.NewID(), Secret: secret, CreatedAt: tx.Now(), Keep: keep})
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

// keep is for how long a key may be needed after it was replaced.
func (a Authority) keep() time.Duration { return a.tokenLife() + ExpiredWindow }

// KeysRotate puts a new key in force and keeps those whose tokens may be valid.
func (a Authority) KeysRotate(ctx context.Context, store *statestore.Store) error {
	secret := NewKey()
	return store.Write(ctx, func(tx *statestore.Txn) error { return KeyRotate(tx, secret, a.keep()) })
}

// KeysReady notes with the key that seals how long its tokens may be valid from now on: they
// stay so when a later process lets tokens live shorter. It is to be called before tokens are issued.
func (a Authority) KeysReady(ctx context.Context, store *statestore.Store) error {
	if newestKey(store.Snapshot()).Keep >= a.keep() {
		return nil
	}
	return store.Write(ctx, func(tx *statestore.Txn) error {
		k := newestKey(tx)
		k.Keep = a.keep()
		Keys.Put(tx, k)
		return nil
	})
}

// rotationRetry is how long after a rotation that failed it is tried again.
const rotationRetry = time.Minute

// KeepKeys has a new key seal every KeyRotation, until ctx ends. It blocks. Each rotation is
// told, with its error; after one it is tried again.
func (a Authority) KeepKeys(ctx context.Context, store *statestore.Store, told func(error)) error {
	for a.KeyRotation > 0 {
		wait := newestKey(store.Snapshot()).CreatedAt.Add(a.KeyRotation).Sub(a.Clock.Now())
		if wait <= 0 {
			err := a.KeysRotate(ctx, store)
			if told(err); err == nil {
				continue
			}
			wait = rotationRetry
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-a.Clock.After(wait):
		}
	}
	return nil
}
