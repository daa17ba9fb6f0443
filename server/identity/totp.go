package identity

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cloudlet/cloudlet/statestore"
)

// A passcode is that of RFC 6238 with its defaults: HMAC-SHA-1, six digits. One of
// the interval before counts too, as with Keystone's defaults.
const (
	totpInterval = 30 * time.Second
	totpBefore   = 1 // intervals
)

// passcode returns the passcode of a key in an interval (RFC 4226 section 5.3).
func passcode(key []byte, step int64) string {
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}

// passcodeProve adds to a token that its user has shown a passcode. It counts once.
func (a Authority) passcodeProve(r statestore.Reader, c Credentials, t *Token) error {
	u, ok := findUser(r, c.Passcode.UserRef)
	if !ok || a.locked(u) || t.UserID != "" && t.UserID != u.ID {
		return errToken()
	}
	now := a.Clock.Now().Unix() / int64(totpInterval/time.Second)
	for stored := range StoredCredentials.By(r, "user", u.ID) {
		key, ok := totpKey(stored.Blob(r))
		if stored.Type != TOTPType || !ok {
			continue
		}
		for step := now; step >= now-totpBefore; step-- {
			if step <= stored.Step || subtle.ConstantTimeCompare([]byte(passcode(key, step)), []byte(c.Passcode.Code)) == 0 {
				continue
			}
			t.UserID = u.ID
			t.spending = append(t.spending, func(tx *statestore.Txn) error { return passcodeSpend(tx, stored.ID, step) })
			return nil
		}
	}
	return errToken().Because(wrongProof{u.ID})
}

// passcodeSpend makes a passcode, and those before it, worthless. Error kind:
// Unauthenticated if it is already.
func passcodeSpend(tx *statestore.Txn, id string, step int64) error {
	c, ok := StoredCredentials.Get(tx, id)
	if !ok || c.Step >= step {
		return errToken()
	}
	c.Step = step
	StoredCredentials.Put(tx, c)
	return nil
}
