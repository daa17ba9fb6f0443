package signature

import (
	"crypto"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// The properties of a signed image.
const (
	Signature   = "img_signature"                  // in base64
	HashMethod  = "img_signature_hash_method"      // of HashMethods
	KeyType     = "img_signature_key_type"         // of KeyTypes
	Certificate = "img_signature_certificate_uuid" // of a credential or in the trust directory
)

// Properties are the properties that belong together.
var Properties = []string{Signature, HashMethod, KeyType, Certificate}

// HashMethods are the accepted values of HashMethod.
var HashMethods = []string{"SHA-224", "SHA-256", "SHA-384", "SHA-512"}

var hashes = map[string]crypto.Hash{"SHA-224": crypto.SHA224, "SHA-256": crypto.SHA256, "SHA-384": crypto.SHA384, "SHA-512": crypto.SHA512}

// KeyTypes are the accepted values of KeyType.
var KeyTypes = []string{rsaPSS, "ECC_SECP384R1", "ECC_SECP521R1"}

const rsaPSS = "RSA-PSS"

// Error says why a signature does not hold. It is for who uploads the image.
type Error struct {
	Property string // at fault; empty if it is none by itself
	Reason   string
}

func (e *Error) Error() string { return e.Reason }

func refuse(property, reason string, args ...any) *Error {
	return &Error{property, fmt.Sprintf(reason, args...)}
}

// Claim is what an image's properties say of its signature.
type Claim struct {
	Signature   []byte
	Hash        crypto.Hash
	KeyType     string
	Certificate string // its id in the form that ID gives
}

// Of returns what properties claim; nil if none of the four is there. Its errors are
// *Error.
func Of(properties map[string]string) (*Claim, error) {
	if !slices.ContainsFunc(Properties, func(p string) bool { _, ok := properties[p]; return ok }) {
		return nil, nil
	}
	for _, p := range Properties {
		if properties[p] == "" {
			return nil, refuse(p, "Required image properties for signature verification do not exist. Cannot verify signature. Missing property: %s", p)
		}
	}
	c := &Claim{Hash: hashes[properties[HashMethod]], KeyType: properties[KeyType]}
	if c.Hash == 0 {
		return nil, refuse(HashMethod, "Invalid signature hash method: %.50s; it must be one of %s.", properties[HashMethod], strings.Join(HashMethods, ", "))
	}
	if !slices.Contains(KeyTypes, c.KeyType) {
		return nil, refuse(KeyType, "Invalid signature key type: %.50s; it must be one of %s.", c.KeyType, strings.Join(KeyTypes, ", "))
	}
	var err error
	// Some encoders break lines; base64 ignores that.
	if c.Signature, err = base64.StdEncoding.DecodeString(properties[Signature]); err != nil || len(c.Signature) > maxKeyBits/8 {
		return nil, refuse(Signature, "The signature data was not properly encoded using base64.")
	}
	if c.Certificate = ID(properties[Certificate]); c.Certificate == "" {
		return nil, refuse(Certificate, "Invalid certificate id %.50q: it must be a UUID.", properties[Certificate])
	}
	return c, nil
}

// ID returns a UUID without dashes and in lower case, as Keystone writes those of
// credentials; empty if s is none.
func ID(s string) string {
	id := strings.ToLower(s)
	if len(id) == 36 {
		id = strings.ReplaceAll(id, "-", "")
	}
	if b, err := hex.DecodeString(id); err != nil || len(b) != 16 {
		return ""
	}
	return id
}
