package compute

import (
	"crypto/ed25519"
	"crypto/md5"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"regexp"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Keypair is a user's public key under a name. The private half is never kept.
type Keypair struct {
	UserID      string
	Name        string
	Type        string // ssh
	PublicKey   string
	Fingerprint string // MD5 in hex with colons, as Nova shows it
	CreatedAt   time.Time
}

// Keypairs is the table of keypairs. Index user: the owner.
var Keypairs = statestore.NewTable(statestore.TableDef[Keypair]{
	Name:    "keypair",
	Version: 1,
	Key:     func(k *Keypair) string { return statestore.Key(k.UserID, k.Name) },
	Indexes: []statestore.Index[Keypair]{
		{Name: "user", Keys: func(k *Keypair) []string { return []string{k.UserID} }},
	},
})

var keypairName = regexp.MustCompile(`^[A-Za-z0-9 _.@-]{1,255}$`)

// KeypairCreate keeps a user's public key. Error kinds: Invalid, Conflict for a
// name that is taken, Quota.
func KeypairCreate(tx *statestore.Txn, k Keypair) (Keypair, error) {
	const op = "KeypairCreate"
	if !keypairName.MatchString(k.Name) || k.Name != trim(k.Name) {
		return k, invalid(op, "keypair", "/keypair/name", "Keypair data is invalid: Keypair name must be 1 to 255 characters long and have only letters, digits, spaces within, and any of _-.@")
	}
	if k.Type != "ssh" {
		return k, invalid(op, "keypair", "/keypair/type", "Keypairs of type %s are not offered here; use ssh.", k.Type)
	}
	key, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(k.PublicKey))
	if err != nil || len(strings.TrimSpace(string(rest))) > 0 || len(k.PublicKey) > 16384 {
		return k, invalid(op, "keypair", "/keypair/public_key", "Keypair data is invalid: failed to generate fingerprint: the public key must be one line as in authorized_keys: \"ssh-ed25519 AAAA… comment\".").Because(err)
	}
	if _, dup := Keypairs.Get(tx, statestore.Key(k.UserID, k.Name)); dup {
		return k, (&cloud.Error{Kind: cloud.Conflict, Op: op, Resource: "keypair", ID: k.Name, Msg: "Key pair '" + k.Name + "' already exists."}).At("/keypair/name")
	}
	limit := limitOf(tx, "", QuotaKeyPairs)
	used := Keypairs.Count(tx, "user", k.UserID)
	if limit >= 0 && used+1 > limit {
		return k, &cloud.Error{Kind: cloud.Quota, Op: op, Resource: "keypair", ID: k.Name,
			Msg: fmt.Sprintf("Quota exceeded, too many key pairs: the user has %d, the limit is %d.", used, limit)}
	}
	k.Fingerprint, k.CreatedAt = fingerprint(key), tx.Now()
	Keypairs.Put(tx, k)
	return k, nil
}

// KeypairGet returns a user's keypair; NotFound if there is none.
func KeypairGet(r statestore.Reader, userID, name string) (Keypair, error) {
	k, ok := Keypairs.Get(r, statestore.Key(userID, name))
	if !ok {
		return k, &cloud.Error{Kind: cloud.NotFound, Op: "KeypairGet", Resource: "keypair", ID: name, Msg: "Keypair " + name + " not found for user " + userID}
	}
	return k, nil
}

// KeypairDelete removes a user's keypair; instances keep their copy.
func KeypairDelete(tx *statestore.Txn, userID, name string) error {
	if _, err := KeypairGet(tx, userID, name); err != nil {
		return err
	}
	Keypairs.Delete(tx, statestore.Key(userID, name))
	return nil
}

// KeyGenerate makes an SSH key (Ed25519): the public line and the private key in
// OpenSSH's PEM. It uses randomness: call it outside of a transaction.
func KeyGenerate(comment string) (public, private string, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", "", err
	}
	block, err := ssh.MarshalPrivateKey(priv, comment)
	if err != nil {
		return "", "", err
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		return "", "", err
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	return line + " " + comment, string(pem.EncodeToMemory(block)), nil
}

// fingerprint is the MD5 of a key's blob, as OpenSSH printed it before 6.8 and
// Nova does still.
func fingerprint(key ssh.PublicKey) string {
	sum := md5.Sum(key.Marshal())
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02x", b)
	}
	return strings.Join(parts, ":")
}
