package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const id = "11111111-1111-4111-8111-111111111111"

var now = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

// party is who has a key and a certificate of it.
type party struct {
	key  crypto.Signer
	cert *x509.Certificate
}

func (p party) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw}))
}

// issue makes a certificate, by itself if there is no issuer.
func issue(t testing.TB, key crypto.Signer, by *party, change func(*x509.Certificate)) party {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(now.Unix()), Subject: pkix.Name{CommonName: t.Name()}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
	if change != nil {
		change(c)
	}
	if by == nil {
		by = &party{key, c}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by.cert, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return party{key, c}
}

func authority(c *x509.Certificate) {
	c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	c.Subject.CommonName = "authority"
}

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ecKey(t testing.TB, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sign returns the properties of an image with the bytes.
func sign(t testing.TB, key crypto.Signer, method, kind, text string) map[string]string {
	t.Helper()
	h := hashes[method].New()
	io.WriteString(h, text)
	var o crypto.SignerOpts = hashes[method]
	if kind == rsaPSS {
		o = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: hashes[method]} // the longest, as openssl and cursive
	}
	sig, err := key.Sign(rand.Reader, h.Sum(nil), o)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{Signature: base64.StdEncoding.EncodeToString(sig), HashMethod: method, KeyType: kind, Certificate: id}
}

// verify is all that is done with an image.
func verify(t *Trust, properties map[string]string, stored, text string, at time.Time) error {
	c, err := Of(properties)
	if err != nil || c == nil {
		return err
	}
	by, err := t.Signer(c.Certificate, stored, at)
	if err != nil {
		return err
	}
	v, err := c.Verifier(by)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, v.Reader(strings.NewReader(text)))
	return err
}

func wantRefusal(t *testing.T, what string, err error, property, reason string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Property != property || !strings.Contains(e.Reason, reason) {
		t.Errorf("%s: got %v, want a refusal of %s with …%s…", what, err, property, reason)
	}
}

func TestEveryHashAndKeyType(t *testing.T) {
	keys := map[string]crypto.Signer{rsaPSS: rsaKey(t, 2048), "ECC_SECP384R1": ecKey(t, elliptic.P384()), "ECC_SECP521R1": ecKey(t, elliptic.P521())}
	if len(keys) != len(KeyTypes) {
		t.Error("not every key type is tested")
	}
	for kind, key := range keys {
		p := issue(t, key, nil, nil)
		for _, method := range HashMethods {
			good := sign(t, key, method, kind, "the image")
			if err := verify(nil, good, p.pem(), "the image", now); err != nil {
				t.Errorf("%s, %s: %v", kind, method, err)
			}
			for _, text := range []string{"the imagf", "the imag", "", "the image "} {
				wantRefusal(t, kind+", "+method+", other bytes", verify(nil, good, p.pem(), text, now), Signature, "not those that were signed")
			}
		}
	}
}

func TestRefused(t *testing.T) {
	key := rsaKey(t, 2048)
	p := issue(t, key, nil, nil)
	good := sign(t, key, "SHA-256", rsaPSS, "the image")
	with := func(name, value string) map[string]string {
		m := map[string]string{name: value}
		for k, v := range good {
			if k != name {
				m[k] = v
			}
		}
		return m
	}
	for _, name := range Properties {
		m := with(name, "")
		wantRefusal(t, name+" is empty", verify(nil, m, p.pem(), "the image", now), name, "Missing property: "+name)
		delete(m, name)
		wantRefusal(t, name+" is missing", verify(nil, m, p.pem(), "the image", now), name, "Missing property: "+name)
	}
	for _, c := range []struct{ name, value, reason string }{
		{HashMethod, "SHA-1", "SHA-224, SHA-256"}, {HashMethod, "MD5", "hash method: MD5"}, {HashMethod, "sha-256", "hash method"},
		{KeyType, "DSA", "key type: DSA"}, {KeyType, "ECC_SECT571K1", "key type: ECC_SECT571K1"}, {KeyType, "ECC_SECP384R1", "Invalid public key type"},
		{KeyType, "RSA", "RSA-PSS"},
		{Signature, "%%%", "base64"}, {Signature, "AAAA", "not those that were signed"}, {Signature, strings.Repeat("A", 1<<20), "base64"},
		{Certificate, "../../etc/passwd", "must be a UUID"}, {Certificate, id + "0", "must be a UUID"},
	} {
		wantRefusal(t, c.name+" "+c.value[:min(20, len(c.value))], verify(nil, with(c.name, c.value), p.pem(), "the image", now), c.name, c.reason)
	}
	lines := with(Signature, good[Signature][:64]+"\n"+good[Signature][64:]+"\n")
	if err := verify(nil, lines, p.pem(), "the image", now); err != nil {
		t.Errorf("base64 in lines: %v", err)
	}
	other := issue(t, rsaKey(t, 2048), nil, nil)
	wantRefusal(t, "another key", verify(nil, good, other.pem(), "the image", now), Signature, "not those that were signed")
	wantRefusal(t, "PKCS #1 v1.5", func() error {
		h := crypto.SHA256.New()
		io.WriteString(h, "the image")
		sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, h.Sum(nil))
		if err != nil {
			t.Fatal(err)
		}
		return verify(nil, with(Signature, base64.StdEncoding.EncodeToString(sig)), p.pem(), "the image", now)
	}(), Signature, "not those that were signed")
	if err := verify(nil, map[string]string{"os_distro": "x"}, "", "the image", now); err != nil {
		t.Errorf("an image that is not signed: %v", err)
	}
}

func TestCertificates(t *testing.T) {
	key := rsaKey(t, 2048)
	good := sign(t, key, "SHA-256", rsaPSS, "the image")
	p := issue(t, key, nil, nil)
	use := issue(t, key, nil, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment })
	for _, c := range []struct {
		name, stored, property, reason string
		at                             time.Time
	}{
		{"none", "", Certificate, "not found with ID", now},
		{"expired", p.pem(), Certificate, "valid date range", now.Add(2 * time.Hour)},
		{"not valid yet", p.pem(), Certificate, "valid date range", now.Add(-2 * time.Hour)},
		{"not for signing", use.pem(), Certificate, "key usage", now},
		{"text", "certificate", Certificate, "Invalid certificate format", now},
		{"a key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})), Certificate, "Invalid certificate format", now},
		{"damaged", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw[:200]})), Certificate, "Invalid certificate format", now},
		{"too many", strings.Repeat(p.pem(), maxChain+1), Certificate, "Invalid certificate format", now},
		{"too large", strings.Repeat(p.pem(), 1000), Certificate, "Invalid certificate format", now},
		{"other curve", issue(t, ecKey(t, elliptic.P256()), nil, nil).pem(), KeyType, "Invalid public key type", now},
	} {
		wantRefusal(t, c.name, verify(nil, good, c.stored, "the image", c.at), c.property, c.reason)
	}
	for _, key := range []any{
		&rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537},
		&rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), maxKeyBits), E: 65537},
	} {
		_, err := Claim{KeyType: rsaPSS, Hash: crypto.SHA256}.Verifier(&x509.Certificate{PublicKey: key})
		wantRefusal(t, "size of the key", err, Certificate, "bits")
	}
	_, err := Claim{KeyType: rsaPSS, Hash: crypto.SHA256}.Verifier(&x509.Certificate{PublicKey: ed25519.PublicKey(nil)})
	wantRefusal(t, "Ed25519 key", err, KeyType, "Invalid public key type")
}

// trust makes a trust directory.
func trust(t *testing.T, files map[string]string) (*Trust, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return LoadTrust(dir)
}

func TestTrust(t *testing.T) {
	ca := issue(t, ecKey(t, elliptic.P384()), nil, authority)
	middle := issue(t, ecKey(t, elliptic.P384()), &ca, func(c *x509.Certificate) { authority(c); c.Subject.CommonName = "middle" })
	key := ecKey(t, elliptic.P384())
	direct, chained, alone := issue(t, key, &ca, nil), issue(t, key, &middle, nil), issue(t, key, nil, nil)
	good := sign(t, key, "SHA-384", "ECC_SECP384R1", "the image")
	load := func(files map[string]string) *Trust {
		t.Helper()
		tr, err := trust(t, files)
		if err != nil {
			t.Fatal(err)
		}
		return tr
	}
	withCA := load(map[string]string{"ca.crt": ca.pem(), "README": "not read"})
	for name, stored := range map[string]string{"direct": direct.pem(), "chained": chained.pem() + middle.pem()} {
		if err := verify(withCA, good, stored, "the image", now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, stored := range map[string]string{"chained, without the middle": chained.pem(), "alone": alone.pem(), "with a foreign authority": alone.pem() + ca.pem()} {
		wantRefusal(t, name, verify(withCA, good, stored, "the image", now), Certificate, "not trusted")
	}
	wantRefusal(t, "an empty directory", verify(load(nil), good, alone.pem(), "the image", now), Certificate, "not trusted")
	for _, name := range []string{id, strings.ToUpper(id), strings.ReplaceAll(id, "-", "")} {
		pinned := load(map[string]string{name + ".pem": alone.pem()})
		if err := verify(pinned, good, "", "the image", now); err != nil {
			t.Errorf("pinned as %s: %v", name, err)
		}
		wantRefusal(t, "pinned, expired", verify(pinned, good, "", "the image", now.Add(2*time.Hour)), Certificate, "valid date range")
	}
	old := issue(t, ca.key, nil, func(c *x509.Certificate) { authority(c); c.NotAfter = now.Add(-time.Minute) })
	wantRefusal(t, "expired authority", verify(load(map[string]string{"old.pem": old.pem()}), good, direct.pem(), "the image", now), Certificate, "not trusted")
	for name, files := range map[string]map[string]string{
		"no authority": {"ca.pem": alone.pem()}, "no certificate": {"ca.pem": "x"}, "pinned text": {id + ".pem": "x"},
	} {
		if _, err := trust(t, files); err == nil {
			t.Errorf("%s: a trust directory is accepted", name)
		}
	}
	if _, err := LoadTrust(filepath.Join(t.TempDir(), "gone")); err == nil {
		t.Error("a trust directory that there is not is accepted")
	}
}

func FuzzOf(f *testing.F) {
	f.Add("AAAA", "SHA-256", rsaPSS, id)
	f.Add("", "", "", "")
	f.Fuzz(func(t *testing.T, sig, hash, kind, cert string) {
		c, err := Of(map[string]string{Signature: sig, HashMethod: hash, KeyType: kind, Certificate: cert})
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("%v is not a refusal", err)
			}
			return
		}
		if len(c.Certificate) != 32 || strings.ContainsAny(c.Certificate, "/.") || c.Hash == 0 || len(c.Signature) > maxKeyBits/8 {
			t.Fatalf("%+v", c)
		}
	})
}

// FuzzSigner has certificates damaged: nobody but the signer is ever accepted.
func FuzzSigner(f *testing.F) {
	key := ecKey(f, elliptic.P384())
	p, ca := issue(f, key, nil, nil), issue(f, ecKey(f, elliptic.P384()), nil, authority)
	good := sign(f, key, "SHA-256", "ECC_SECP384R1", "the image")
	tr := &Trust{map[string]*x509.Certificate{}, x509.NewCertPool()}
	tr.authorities.AddCert(ca.cert)
	f.Add([]byte(p.pem()))
	f.Add([]byte(issue(f, key, &ca, nil).pem() + ca.pem()))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, tr := range []*Trust{nil, tr} {
			err := verify(tr, good, string(b), "the image", now)
			if _, ok := errors.AsType[*Error](err); err != nil && !ok {
				t.Fatalf("%v is not a refusal", err)
			}
			if err := verify(tr, good, string(b), "another", now); err == nil {
				t.Fatal("bytes that nobody signed pass")
			}
			if tr != nil && err == nil && !bytes.Contains(b, []byte("CERTIFICATE")) {
				t.Fatal("no certificate is trusted")
			}
		}
	})
}
