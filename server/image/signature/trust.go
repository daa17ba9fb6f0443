package signature

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Bounds on what is read.
const (
	maxPEM     = 256 << 10 // bytes of one file or credential
	maxChain   = 8         // certificates in a credential
	maxTrusted = 1024      // files in the trust directory
)

// Trust says which certificates count. A nil Trust has none of its own.
type Trust struct {
	pinned      map[string]*x509.Certificate // by id
	authorities *x509.CertPool
}

// LoadTrust reads a trust directory: UUID.pem is a signer's certificate, any other
// file that ends in .pem or .crt holds certificates of authorities. An empty name
// means that there is no directory, and no Trust. Errors are for the operator.
func LoadTrust(dir string) (*Trust, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(entries) > maxTrusted {
		return nil, fmt.Errorf("the trust directory %s has more than %d files", dir, maxTrusted)
	}
	t := &Trust{map[string]*x509.Certificate{}, x509.NewCertPool()}
	for _, e := range entries {
		name, ext := strings.TrimSuffix(e.Name(), filepath.Ext(e.Name())), filepath.Ext(e.Name())
		if e.IsDir() || ext != ".pem" && ext != ".crt" {
			continue
		}
		certs, err := readPEM(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, e.Name()), err)
		}
		if id := ID(name); id != "" {
			t.pinned[id] = certs[0]
			continue
		}
		for _, c := range certs {
			if !c.IsCA {
				return nil, fmt.Errorf("%s: the certificate of %s is not of an authority; a signer's is in a file that is named UUID.pem", filepath.Join(dir, e.Name()), c.Subject)
			}
			t.authorities.AddCert(c)
		}
	}
	return t, nil
}

func readPEM(file string) ([]*x509.Certificate, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fs.ErrInvalid)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxPEM+1))
	if err != nil {
		return nil, err
	}
	return parsePEM(b)
}

// parsePEM returns the certificates in b, at least one.
func parsePEM(b []byte) (certs []*x509.Certificate, err error) {
	if len(b) > maxPEM {
		return nil, fmt.Errorf("it has more than %d bytes", maxPEM)
	}
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("it holds a %.40q where certificates in PEM are wanted", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certs = append(certs, c)
	}
	if len(certs) == 0 {
		return nil, errors.New("it holds no certificate in PEM")
	}
	return certs, nil
}

// Signer returns the certificate of an id that counts at a moment. stored is what the
// credential store has under the id, in PEM: the signer's certificate, then those
// between it and an authority; empty if it has nothing. Its errors are *Error.
func (t *Trust) Signer(id, stored string, now time.Time) (*x509.Certificate, error) {
	if t != nil && t.pinned[id] != nil {
		return t.pinned[id], usable(t.pinned[id], now)
	}
	if stored == "" {
		return nil, refuse(Certificate, "Certificate not found with ID: %s", id)
	}
	certs, err := parsePEM(bytes.TrimSpace([]byte(stored)))
	if err != nil || len(certs) > maxChain {
		return nil, refuse(Certificate, "Invalid certificate format: the credential %s must hold 1 to %d X.509 certificates in PEM.", id, maxChain)
	}
	if err := usable(certs[0], now); err != nil {
		return nil, err
	}
	if t == nil {
		return certs[0], nil
	}
	between := x509.NewCertPool()
	for _, c := range certs[1:] {
		between.AddCert(c)
	}
	_, err = certs[0].Verify(x509.VerifyOptions{Roots: t.authorities, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return nil, refuse(Certificate, "The certificate %s is not trusted: it is none of the operator's, and leads to no authority that the operator trusts.", id)
	}
	return certs[0], nil
}

// usable refuses a certificate that is out of date, or not for signatures.
func usable(c *x509.Certificate, now time.Time) error {
	if now.Before(c.NotBefore) || now.After(c.NotAfter) {
		return refuse(Certificate, "The certificate is outside its valid date range, which is from %s to %s.", c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339))
	}
	if c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return refuse(Certificate, "The certificate's key usage does not allow signatures.")
	}
	return nil
}
