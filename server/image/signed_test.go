package image

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image/signature"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

// signer signs images. The ids of certificates are told by how they are to be.
type signer struct {
	t     *testing.T
	key   *ecdsa.PrivateKey
	certs map[string]Certificate
}

const (
	annsCert    = "11111111-1111-4111-8111-111111111111"
	sharedCert  = "22222222-2222-4222-8222-222222222222" // of ann's project
	bobsCert    = "33333333-3333-4333-8333-333333333333"
	expiredCert = "44444444-4444-4444-8444-444444444444"
)

func newSigner(t *testing.T) *signer {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &signer{t, key, map[string]Certificate{}}
	for id, of := range map[string]Certificate{annsCert: {UserID: "ann"}, sharedCert: {UserID: "bob", ProjectID: "p1"}, bobsCert: {UserID: "bob", ProjectID: "p2"}, expiredCert: {UserID: "ann"}} {
		from := time.Now().Add(-time.Hour)
		c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: id}, NotBefore: from, NotAfter: from.Add(24 * time.Hour)}
		if id == expiredCert {
			c.NotAfter = from.Add(time.Minute)
		}
		der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		of.PEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
		s.certs[signature.ID(id)] = of
	}
	return s
}

func (s *signer) stored(_ statestore.Reader, id string) (Certificate, bool) {
	c, ok := s.certs[id]
	return c, ok
}

// of returns the properties of an image with the bytes.
func (s *signer) of(text, cert string) map[string]string {
	h := crypto.SHA256.New()
	h.Write([]byte(text))
	sig, err := ecdsa.SignASN1(rand.Reader, s.key, h.Sum(nil))
	if err != nil {
		s.t.Fatal(err)
	}
	return map[string]string{signature.Signature: base64.StdEncoding.EncodeToString(sig), signature.HashMethod: "SHA-256",
		signature.KeyType: "ECC_SECP384R1", signature.Certificate: cert}
}

func (w world) set(id string, properties map[string]string) error {
	_, err := get(w, func(tx *statestore.Txn) (Image, error) {
		return ImageUpdate(tx, ann, id, ImageChange{Properties: &properties})
	})
	return err
}

func (w world) signed(properties map[string]string) Image {
	w.t.Helper()
	q := w.queued("raw")
	if err := w.set(q.ID, properties); err != nil {
		w.t.Fatal(err)
	}
	return q
}

func signedWorld(t *testing.T, s *signer, trustDir string) world {
	return world{t, storetest.NewStore(t, testTables), openContent(t, t.TempDir(), ContentOptions{Signing: SigningOptions{Stored: s.stored, TrustDir: trustDir}})}
}

func TestSignedUpload(t *testing.T) {
	s := newSigner(t)
	w := signedWorld(t, s, "")
	text := strings.Repeat("the image ", block/5)
	tampered := "T" + text[1:]
	for _, c := range []struct {
		name, cert, bytes string
		status            Status
		reason            string
	}{
		{"mine", annsCert, text, Active, ""},
		{"my project's", sharedCert, text, Active, ""},
		{"tampered at its start", annsCert, tampered, Killed, "Signature verification failed"},
		{"tampered at its end", annsCert, text[:len(text)-1] + "!", Killed, "Signature verification failed"},
		{"cut", annsCert, text[:block], Killed, "Signature verification failed"},
		{"empty", annsCert, "", Killed, "Signature verification failed"},
		{"another's certificate", bobsCert, text, Killed, "not found with ID"},
		{"no certificate", "55555555-5555-4555-8555-555555555555", text, Killed, "not found with ID"},
		{"expired certificate", expiredCert, text, Killed, "valid date range"},
	} {
		q := w.signed(s.of(text, c.cert))
		i, err := w.upload(q.ID, strings.NewReader(c.bytes))
		if got := w.status(q.ID); got != c.status {
			t.Errorf("%s: %s, %v", c.name, got, err)
		}
		if c.status == Active && err == nil {
			gone, err := get(w, func(tx *statestore.Txn) (Image, error) { return ImageDelete(tx, ann, i.ID) })
			if err == nil {
				err = w.c.Forget(t.Context(), w.write, gone)
			}
			if err != nil {
				t.Error(err)
			}
		} else if !cloud.Is(err, cloud.Invalid) || !strings.Contains(cloud.AsError(err).Msg, c.reason) {
			t.Errorf("%s: %v", c.name, err)
		}
		w.wantFiles()
	}
	for _, p := range signature.Properties {
		all := s.of(text, annsCert)
		delete(all, p)
		q := w.signed(all)
		if _, err := w.upload(q.ID, strings.NewReader(text)); !cloud.Is(err, cloud.Invalid) || cloud.AsError(err).Field != "/"+p || w.status(q.ID) != Queued {
			t.Errorf("without %s: %v, %s", p, err, w.status(q.ID))
		}
		if err := w.start(q.ID, ImportRequest{Method: Web, URI: "http://x/"}); !cloud.Is(err, cloud.Invalid) || w.status(q.ID) != Queued {
			t.Errorf("an import without %s: %v, %s", p, err, w.status(q.ID))
		}
	}
	w.wantFiles()
}

// The uploads of a cloud whose operator trusts nobody, or whose trust directory is
// gone, and of one that trusts the signer.
func TestTrustDirectory(t *testing.T) {
	s := newSigner(t)
	dir := t.TempDir()
	w := signedWorld(t, s, dir)
	upload := func() (Status, error) {
		q := w.signed(s.of("the image", annsCert))
		_, err := w.upload(q.ID, strings.NewReader("the image"))
		return w.status(q.ID), err
	}
	if status, err := upload(); status != Killed || !strings.Contains(cloud.AsError(err).Msg, "not trusted") {
		t.Errorf("nobody is trusted: %s, %v", status, err)
	}
	if err := os.WriteFile(filepath.Join(dir, annsCert+".pem"), []byte(s.certs[signature.ID(annsCert)].PEM), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, err := upload(); status != Active {
		t.Errorf("the signer is trusted now: %s, %v", status, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if status, err := upload(); status != Queued || !cloud.Is(err, cloud.Unavailable) {
		t.Errorf("without its directory: %s, %v", status, err)
	}
}

func TestSignatureIsSettledWithTheBytes(t *testing.T) {
	s := newSigner(t)
	w := signedWorld(t, s, "")
	good := s.of("the image", annsCert)
	signed, plain := w.signed(good), w.queued("raw")
	for _, q := range []Image{signed, plain} {
		if _, err := w.upload(q.ID, strings.NewReader("the image")); err != nil {
			t.Fatal(err)
		}
	}
	for what, err := range map[string]error{
		"removed": w.set(signed.ID, nil), "changed": w.set(signed.ID, s.of("another", annsCert)), "added": w.set(plain.ID, good),
	} {
		if !cloud.Is(err, cloud.Forbidden) {
			t.Errorf("a signature is %s: %v", what, err)
		}
	}
	good["os_distro"] = "debian"
	if err := w.set(signed.ID, good); err != nil {
		t.Errorf("another property of a signed image: %v", err)
	}
	q := w.signed(s.of("the image", annsCert))
	if _, err := get(w, func(tx *statestore.Txn) (Image, error) {
		return ImageUpdate(tx, ann, q.ID, ImageChange{Locations: []LocationChange{func(i Image) (Image, error) {
			return LocationAdd(i, Location{URL: "http://x/"}, Sums{})
		}}})
	}); !cloud.Is(err, cloud.Invalid) || w.status(q.ID) != Queued {
		t.Errorf("bytes that nobody can check: %v, %s", err, w.status(q.ID))
	}
}

// A signed import is checked as it was staged, and stored as it was staged.
func TestSignedImport(t *testing.T) {
	s := newSigner(t)
	w := signedWorld(t, s, "")
	w.serveWith(ImportOptions{Decompress: true, Format: "qcow2", Converter: reverser{}})
	gzip := packed(t)["gzip"]
	for _, c := range []struct {
		signed, bytes string
		status        Status
	}{{gzip, gzip, Active}, {"the disk", gzip, Queued}, {"the disk", "the disk", Active}, {"the disk", "the disc", Queued}} {
		q := w.signed(s.of(c.signed, annsCert))
		if err := w.c.Stage(w.write, ann, q.ID, strings.NewReader(c.bytes)); err != nil {
			t.Fatal(err)
		}
		if err := w.start(q.ID, ImportRequest{Method: Direct, AllMustSucceed: true}); err != nil {
			t.Fatal(err)
		}
		w.settled()
		i, _ := Images.Get(w.s.Snapshot(), q.ID)
		if i.Status != c.status || i.DiskFormat != "raw" {
			t.Fatalf("%.10q signed, %.10q staged: %+v", c.signed, c.bytes, i)
		}
		if c.status == Active {
			if got := w.read(i); got != c.bytes {
				t.Errorf("%q is stored of %q", got, c.bytes)
			}
			continue
		}
		for x := range task.Tasks.By(w.s.Snapshot(), "subject", i.ID) {
			if x.Kind == ImportTask && (x.State != task.Failure || !strings.Contains(x.Message, "Signature verification failed")) {
				t.Errorf("%s, %s", x.State, x.Message)
			}
		}
	}
	if n := len(w.everything()); n != 2 {
		t.Errorf("%d files are kept", n)
	}
}
