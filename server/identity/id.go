package identity

import (
	"regexp"
	"strings"

	"github.com/cloudlet/cloudlet/statestore"
)

// newID returns an id of the form Keystone's have: 32 hexadecimal digits.
func newID(tx *statestore.Txn) string { return strings.ReplaceAll(tx.NewID(), "-", "") }

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
