package identity

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Credential is something of a user's that Keystone keeps: a pair of keys for
// signatures (ec2), a key for passcodes (totp), a certificate (cert), or what else
// a client calls it. What it holds is stored sealed.
type Credential struct {
	ID, UserID, ProjectID, Type string
	Sealed                      []byte // Blob, under one of the token keys
	Step                        int64  // of a passcode's, the last interval that was used
	Extra                       Extra  `json:",omitempty"`
}

// Credentials with a meaning to this cloud.
const (
	EC2Type  = "ec2"
	TOTPType = "totp"
	CertType = "cert" // read by the image service: X.509 in PEM
)

// EC2Blob is what a credential of EC2Type holds, as JSON.
type EC2Blob struct {
	Access string `json:"access"`
	Secret string `json:"secret"`
}

// StoredCredentials has the credentials.
var StoredCredentials = statestore.NewTable(statestore.TableDef[Credential]{Name: "credential", Version: 1, Key: func(c *Credential) string { return c.ID },
	Indexes: []statestore.Index[Credential]{
		{Name: "user", Keys: func(c *Credential) []string { return nonEmpty(c.UserID) }},
		{Name: "project", Keys: func(c *Credential) []string { return nonEmpty(c.ProjectID) }},
	}})

// CredentialGet returns a credential by id. Error kind: NotFound.
func CredentialGet(r statestore.Reader, id string) (Credential, error) {
	return get(StoredCredentials, r, "credential", id)
}

// Blob returns what a credential holds; empty if no key opens it.
func (c Credential) Blob(r statestore.Reader) string {
	b, _ := decrypt(r, c.aad(), c.Sealed)
	return string(b)
}

// aad binds what is sealed to its row.
func (c Credential) aad() string { return "credential " + c.ID }

// CredentialPut stores a new or changed credential that holds blob. A key pair's id
// is the digest of its access key, as in Keystone. Error kinds: Invalid, NotFound for its user or
// project, Conflict, Quota.
func (a Authority) CredentialPut(tx *statestore.Txn, c Credential, blob string) (Credential, error) {
	if err := c.check(tx, blob); err != nil {
		return c, err
	}
	old, exists := StoredCredentials.Get(tx, c.ID)
	if old.UserID != c.UserID {
		if err := room("credentials", StoredCredentials.Count(tx, "user", c.UserID), a.CredentialUserLimit); err != nil {
			return c, err
		}
	}
	switch {
	case exists && old.Blob(tx) != blob:
		c.Step = 0
	case !exists && c.Type == EC2Type:
		pair, _ := ec2Blob(blob)
		c.ID = EC2ID(pair.Access)
		if _, taken := StoredCredentials.Get(tx, c.ID); taken {
			return c, cloud.Errorf(cloud.Conflict, "credential", "Conflict occurred attempting to store credential - Duplicate entry found with access key %s.", pair.Access).At("/credential/blob")
		}
	case c.ID == "":
		c.ID = newID(tx)
	}
	var err error
	if c.Sealed, err = encrypt(tx, c.aad(), []byte(blob)); err != nil {
		return c, err
	}
	StoredCredentials.Put(tx, c)
	return c, nil
}

// room refuses one more of what a user has already as many of as allowed. Error kind: Quota.
func room(what string, has, most int) error {
	if most <= 0 || has < most {
		return nil
	}
	return cloud.Errorf(cloud.Quota, what, "Unable to create additional %s, maximum of %d already exceeded for user.", what, most)
}

func (c Credential) check(r statestore.Reader, blob string) error {
	wrong := func(field, format string, args ...any) error {
		return cloud.Errorf(cloud.Invalid, "credential", "Invalid input for field '"+field+"': "+format, args...).At("/credential/" + field)
	}
	if c.Type == "" || len(c.Type) > 255 {
		return wrong("type", "a type such as ec2 is required.")
	}
	if blob == "" {
		return wrong("blob", "it is a required property.")
	}
	if _, ok := Users.Get(r, c.UserID); !ok {
		return missing("user", c.UserID).At("/credential/user_id")
	}
	if _, err := ProjectGet(r, c.ProjectID); c.ProjectID != "" && err != nil {
		return cloud.AsError(err).At("/credential/project_id")
	}
	switch c.Type {
	case EC2Type:
		if c.ProjectID == "" {
			return wrong("project_id", "a credential of type ec2 is for one project.")
		}
		if _, ok := ec2Blob(blob); !ok {
			return wrong("blob", "a JSON object with the members access and secret is required.")
		}
	case TOTPType:
		if _, ok := totpKey(blob); !ok {
			return wrong("blob", "a key in base32 of at least 80 bits is required.")
		}
	}
	return nil
}

// CredentialDelete deletes a credential. Error kind: NotFound.
func CredentialDelete(tx *statestore.Txn, id string) error {
	if !StoredCredentials.Delete(tx, id) {
		return missing("credential", id)
	}
	return nil
}

// dropCredentials deletes those that index finds under a value.
func dropCredentials(tx *statestore.Txn, index, value string) {
	for _, c := range slices.Collect(StoredCredentials.By(tx, index, value)) {
		StoredCredentials.Delete(tx, c.ID)
	}
}

// EC2ID is the id of the credential that has the access key.
func EC2ID(access string) string {
	sum := sha256.Sum256([]byte(access))
	return hex.EncodeToString(sum[:])
}

func ec2Blob(blob string) (pair EC2Blob, ok bool) {
	err := json.Unmarshal([]byte(blob), &pair)
	return pair, err == nil && pair.Access != "" && pair.Secret != ""
}

// EC2Pair returns the credential that has the access key, and its pair of keys.
// Error kind: NotFound, also for a credential that is of another type.
func EC2Pair(r statestore.Reader, access string) (Credential, EC2Blob, error) {
	c, err := CredentialGet(r, EC2ID(access))
	if err != nil || c.Type != EC2Type {
		return c, EC2Blob{}, missing("credential", access)
	}
	pair, _ := ec2Blob(c.Blob(r))
	if pair.Access != access { // the blob was changed since: the id is that of the first
		return c, EC2Blob{}, missing("credential", access)
	}
	return c, pair, nil
}

// NewEC2Pair returns a random pair of keys.
func NewEC2Pair() EC2Blob { return EC2Blob{Access: NewSecret(), Secret: NewSecret()} }

// totpKey reads a key for passcodes: base32, with or without padding and blanks.
func totpKey(blob string) ([]byte, bool) {
	text := strings.ToUpper(strings.TrimRight(strings.ReplaceAll(blob, " ", ""), "="))
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	return key, err == nil && len(key) >= 10
}
