package signature

import (
	_ "crypto/sha256" // SHA-224, SHA-256
	_ "crypto/sha512" // SHA-384, SHA-512

	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"hash"
	"io"
)

// RSA keys outside of these sizes prove nothing, or are made to keep us busy.
const (
	minKeyBits = 2048
	maxKeyBits = 16384
)

// Verifier checks the signature of what is written to it.
type Verifier struct {
	hash.Hash // of what was written
	claim     Claim
	key       crypto.PublicKey
}

// Verifier returns what checks the claim by a certificate's key. Its errors are
// *Error: the key is not of the claimed type.
func (c Claim) Verifier(by *x509.Certificate) (*Verifier, error) {
	switch key := by.PublicKey.(type) {
	case *rsa.PublicKey:
		if n := key.N.BitLen(); c.KeyType == rsaPSS && (n < minKeyBits || n > maxKeyBits) {
			return nil, refuse(Certificate, "The certificate's RSA key has %d bits; %d to %d are accepted.", n, minKeyBits, maxKeyBits)
		} else if c.KeyType == rsaPSS {
			return &Verifier{c.Hash.New(), c, key}, nil
		}
	case *ecdsa.PublicKey:
		curve := map[elliptic.Curve]string{elliptic.P384(): "ECC_SECP384R1", elliptic.P521(): "ECC_SECP521R1"}[key.Curve]
		if curve == c.KeyType {
			return &Verifier{c.Hash.New(), c, key}, nil
		}
	}
	return nil, refuse(KeyType, "Invalid public key type for signature key type: %s", c.KeyType)
}

// Verify returns nil if the signature is one of all that was written; else an
// *Error. RSA salts may have any length.
func (v *Verifier) Verify() error {
	sum, ok := v.Sum(nil), false
	switch key := v.key.(type) {
	case *rsa.PublicKey:
		ok = rsa.VerifyPSS(key, v.claim.Hash, sum, v.claim.Signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: v.claim.Hash}) == nil
	case *ecdsa.PublicKey:
		ok = ecdsa.VerifyASN1(key, sum, v.claim.Signature)
	}
	if !ok {
		return refuse(Signature, "The bytes are not those that were signed, or another key signed them.")
	}
	return nil
}

// Reader reads r, and ends with the error of Verify where its bytes do not pass.
func (v *Verifier) Reader(r io.Reader) io.Reader { return &reader{r, v} }

type reader struct {
	io.Reader
	v *Verifier
}

func (r *reader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.v.Write(b[:n])
	if err == io.EOF {
		if e := r.v.Verify(); e != nil {
			return n, e
		}
	}
	return n, err
}
