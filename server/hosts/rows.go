package hosts

import (
	"time"

	"github.com/cloudlet/cloudlet/statestore"
)

// CA signs the certificates of hosts and of the server's agent listener.
type CA struct {
	ID          string // always "hosts"
	Certificate []byte // DER
	Key         []byte // PKCS #8, DER
}

// JoinToken lets one host join, once. The token itself is not kept.
type JoinToken struct {
	Hash      string // SHA-256 of the secret, hex
	ExpiresAt time.Time
}

// The tables.
var (
	CAs        = statestore.NewTable(statestore.TableDef[CA]{Name: "host_ca", Version: 1, Key: func(c *CA) string { return c.ID }})
	JoinTokens = statestore.NewTable(statestore.TableDef[JoinToken]{Name: "join_token", Version: 1, Key: func(t *JoinToken) string { return t.Hash }})

	// Tables are the package's tables, for statestore.Options.
	Tables = []statestore.AnyTable{CAs, JoinTokens}
)
