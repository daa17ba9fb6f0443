package agent

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
)

// ServerName is the name in the certificate that the server shows to agents.
const ServerName = "server.hosts.cloudlet"

const joinTimeout = 20 * time.Second

// HostID returns the id that is kept in the directory, or makes one.
func HostID(dir string) (string, error) {
	path := filepath.Join(dir, "host-id")
	b, err := os.ReadFile(path)
	if err == nil && len(b) > 0 {
		return strings.TrimSpace(string(b)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	var raw [16]byte
	rand.Read(raw[:])
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80 // RFC 9562, version 4
	id := fmt.Sprintf("%x-%x-%x-%x-%x", raw[0:4], raw[4:6], raw[6:8], raw[8:10], raw[10:])
	return id, writeFile(path, []byte(id+"\n"))
}

// Credentials returns what the host shows to the server over TCP: the certificate
// kept in the directory or, if there is none, one that the join token gets. It
// blocks for one call then. The token also tells which server to trust.
func Credentials(ctx context.Context, dir, server, hostID, token string) (credentials.TransportCredentials, error) {
	cert, ca, err := loadCertificate(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if token == "" {
			return nil, errors.New("this host has not joined yet: give it a join token, made by 'cloudlet token' at the server")
		}
		if err := join(ctx, dir, server, hostID, strings.TrimSpace(token)); err != nil {
			return nil, err
		}
		cert, ca, err = loadCertificate(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("the host's certificate in %s: %w", dir, err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	return credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: pool, ServerName: ServerName, MinVersion: tls.VersionTLS13}), nil
}

func loadCertificate(dir string) (cert tls.Certificate, ca *x509.Certificate, err error) {
	if cert, err = tls.LoadX509KeyPair(filepath.Join(dir, "host.crt"), filepath.Join(dir, "host.key")); err != nil {
		return cert, nil, err
	}
	b, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		return cert, nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return cert, nil, errors.New("ca.crt is not PEM")
	}
	ca, err = x509.ParseCertificate(block.Bytes)
	return cert, ca, err
}

// join gets a certificate. The server is trusted if it shows the authority whose
// fingerprint is in the token.
func join(ctx context.Context, dir, server, hostID, token string) error {
	parts := strings.Split(token, ".")
	want, err := hex.DecodeString(parts[min(1, len(parts)-1)])
	if len(parts) != 3 || parts[0] != "clj1" || err != nil || len(want) != sha256.Size {
		return errors.New("the join token is not one that 'cloudlet token' made: it has the form clj1.FINGERPRINT.SECRET")
	}
	check := func(raw [][]byte, _ [][]*x509.Certificate) error { return checkServer(raw, want) }
	conn, err := grpc.NewClient(server, grpc.WithNoProxy(), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
		InsecureSkipVerify: true, VerifyPeerCertificate: check, ServerName: ServerName, MinVersion: tls.VersionTLS13})))
	if err != nil {
		return err
	}
	defer conn.Close()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	reply, err := hostapi.NewHostsClient(conn).Join(ctx, &hostapi.JoinRequest{Token: token, HostId: hostID, CertificateRequest: csr})
	if err != nil {
		return fmt.Errorf("this host could not join: %s", status.Convert(err).Message())
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name, kind string
		der        []byte
	}{{"ca.crt", "CERTIFICATE", reply.CaCertificate}, {"host.key", "PRIVATE KEY", der}, {"host.crt", "CERTIFICATE", reply.Certificate}} {
		if err := writeFile(filepath.Join(dir, f.name), pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.der})); err != nil {
			return err
		}
	}
	return nil
}

// checkServer reports whether the certificates are a server's of the authority
// with the fingerprint.
func checkServer(raw [][]byte, fingerprint []byte) error {
	wrong := errors.New("the server is not the one that the join token was made at")
	if len(raw) < 2 {
		return wrong
	}
	leaf, err1 := x509.ParseCertificate(raw[0])
	ca, err2 := x509.ParseCertificate(raw[len(raw)-1])
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if sum := sha256.Sum256(ca.Raw); string(sum[:]) != string(fingerprint) {
		return wrong
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	_, err := leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: ServerName})
	return err
}
