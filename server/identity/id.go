package identity

import (
	"crypto/rand"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/cloudlet/cloudlet/statestore"
)

// newID returns an id of the form Keystone's have: 32 hexadecimal digits.
func newID(tx *statestore.Txn) string { return strings.ReplaceAll(tx.NewID(), "-", "") }

// NewSecret returns 128 random bits in the form of an id: a secret of a program's. It is
// drawn before the transaction that keeps it.
func NewSecret() string { return randomHex(16) }

// NewVerifier returns what a user tells a consumer whose request it has authorized: short
// enough to be typed, since who shows it proves the consumer's secret besides.
func NewVerifier() string { return randomHex(4) }

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b)
	return hex.EncodeToString(b)
}

var (
	hexID    = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)
	idString = regexp.MustCompile(`^[a-zA-Z0-9-]{1,64}$`) // what Keystone takes for an id
)

// retired is the id of a project, domain or user that is no more. Nothing else is to have
// it: what the one owned elsewhere, and tokens, name it still.
type retired struct{ ID string }

var retirees = statestore.NewTable(statestore.TableDef[retired]{Name: "retired", Version: 1, Key: func(x *retired) string { return x.ID }})

// IDTaken reports whether an id is, or was, that of a project, domain or user.
func IDTaken(r statestore.Reader, id string) bool {
	_, was := retirees.Get(r, id)
	_, user := Users.Get(r, id)
	_, err := ProjectGet(r, id)
	return was || user || err == nil
}
