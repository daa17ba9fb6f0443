package image

import (
	"errors"
	"io"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image/signature"
	"github.com/cloudlet/cloudlet/statestore"
)

// Certificate is one that a user keeps in the credential store, with those that
// lead from it to an authority, in PEM.
type Certificate struct{ UserID, ProjectID, PEM string }

// SigningOptions say by whose certificates images may be signed: see package
// signature.
type SigningOptions struct {
	// Stored returns the certificate with an id, as signature.ID writes it; nil: there
	// are none.
	Stored func(r statestore.Reader, id string) (Certificate, bool)
	// TrustDir is the operator's trust directory; empty: there is none. It is read
	// whenever a signed image is checked.
	TrustDir string
}

// Signed reports whether the image has any of the properties of a signed one. What is
// stored of it is what was uploaded, so that its signature goes on holding: it is
// neither decompressed nor converted.
func (i Image) Signed() bool {
	c, err := signature.Of(i.Properties)
	return c != nil || err != nil
}

// checkClaim refuses, as Invalid, an image whose properties claim a signature that
// cannot be checked.
func checkClaim(op string, i Image) error {
	_, err := signature.Of(i.Properties)
	if e, ok := errors.AsType[*signature.Error](err); ok {
		return fault(cloud.Invalid, op, i.ID, "/"+e.Property, "%s", e.Reason)
	}
	return err
}

// seal is the signature that an image's bytes must have. A nil seal is that of an
// image that is not signed.
type seal struct {
	claim signature.Claim
	dir   string
	pem   string // what the credential store has, if the signer may use it
	now   time.Time
}

// sealOf returns what the bytes of an image must be checked by, when a user brings
// them. The certificate must be the user's own or the image's project's: another's is
// as if it were not there.
func (o SigningOptions) sealOf(r statestore.Reader, i Image, userID string, now time.Time) *seal {
	claim, err := signature.Of(i.Properties)
	if claim == nil || err != nil {
		return nil // refused by checkClaim before
	}
	s := &seal{claim: *claim, dir: o.TrustDir, now: now}
	if o.Stored != nil {
		c, ok := o.Stored(r, claim.Certificate)
		if ok && (c.UserID == userID || c.ProjectID != "" && c.ProjectID == i.ProjectID) {
			s.pem = c.PEM
		}
	}
	return s
}

// check returns r such that it ends with a *signature.Error if its bytes are not the
// signed ones. It reads the trust directory.
func (s *seal) check(r io.Reader) (io.Reader, error) {
	if s == nil {
		return r, nil
	}
	trust, err := signature.LoadTrust(s.dir)
	if err != nil {
		return nil, cloud.Errorf(cloud.Unavailable, "image", "Signatures cannot be checked now: the operator's trust directory cannot be read.").Because(err)
	}
	by, err := trust.Signer(s.claim.Certificate, s.pem, s.now)
	if err != nil {
		return nil, err
	}
	v, err := s.claim.Verifier(by)
	if err != nil {
		return nil, err
	}
	return v.Reader(r), nil
}

// sealChanges reports whether two images claim different signatures.
func sealChanges(a, b Image) (property string, changes bool) {
	for _, p := range signature.Properties {
		x, had := a.Properties[p]
		if y, has := b.Properties[p]; x != y || had != has {
			return p, true
		}
	}
	return "", false
}
