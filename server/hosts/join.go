package hosts

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/statestore"
)

const (
	caID      = "hosts"
	caLife    = 20 * 365 * 24 * time.Hour
	certLife  = 10 * 365 * 24 * time.Hour
	tokenLife = 24 * time.Hour
)

// EnsureCA makes the cloud's certificate authority if there is none.
func EnsureCA(ctx context.Context, s *statestore.Store) error {
	if _, ok := CAs.Get(s.Snapshot(), caID); ok {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: "Cloudlet hosts"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(caLife),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return s.Write(ctx, func(tx *statestore.Txn) error {
		if _, ok := CAs.Get(tx, caID); !ok {
			CAs.Put(tx, CA{ID: caID, Certificate: der, Key: pkcs8})
		}
		return nil
	})
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return n
}

// authority is a CA ready to sign.
type authority struct {
	cert *x509.Certificate
	key  any
}

func authorityOf(r statestore.Reader) (authority, error) {
	row, ok := CAs.Get(r, caID)
	if !ok {
		return authority{}, errors.New("the cloud has no certificate authority for hosts")
	}
	cert, err := x509.ParseCertificate(row.Certificate)
	if err != nil {
		return authority{}, err
	}
	key, err := x509.ParsePKCS8PrivateKey(row.Key)
	return authority{cert, key}, err
}

func (a authority) sign(name string, usage x509.ExtKeyUsage, public any) ([]byte, error) {
	now := time.Now()
	return x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certLife), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage}}, a.cert, public, a.key)
}

// ServerName is the name in the certificate of the server's agent listener: agents
// check it, and the cloud's own CA, rather than an address.
const ServerName = "server.hosts.cloudlet"

// ListenerTLS returns the configuration of the agents' TCP listener: a certificate
// of the cloud's own authority, and hosts' certificates checked against it.
func ListenerTLS(r statestore.Reader) (*tls.Config, error) {
	a, err := authorityOf(r)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := a.sign(ServerName, x509.ExtKeyUsageServerAuth, key.Public())
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS13,
		ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool, NextProtos: []string{"h2"}}, nil
}

// allowed refuses a peer that speaks for another host than its certificate's.
func allowed(ctx context.Context, hostID string) error {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return status.Error(codes.Internal, "the connection has no peer")
	}
	info, overTLS := p.AuthInfo.(credentials.TLSInfo)
	if !overTLS {
		return nil // a Unix socket or this very process: whoever may open it is trusted
	}
	if len(info.State.VerifiedChains) == 0 {
		return status.Error(codes.Unauthenticated, "a certificate of this cloud is needed: join with a token from 'cloudlet token'")
	}
	if name := info.State.VerifiedChains[0][0].Subject.CommonName; name != hostID {
		return status.Errorf(codes.PermissionDenied, "the certificate is host %s's, not %s's", name, hostID)
	}
	return nil
}

// tokenMark begins every join token; the CA's fingerprint and the secret follow,
// so that a host knows the server before it tells the secret.
const tokenMark = "clj1"

// NewJoinToken makes a token by which one host may join within the time given,
// and forgets those that have expired.
func NewJoinToken(ctx context.Context, s *statestore.Store, life time.Duration) (string, error) {
	if life <= 0 {
		life = tokenLife
	}
	a, err := authorityOf(s.Snapshot())
	if err != nil {
		return "", err
	}
	fingerprint := sha256.Sum256(a.cert.Raw)
	secret := rand.Text()
	err = s.Write(ctx, func(tx *statestore.Txn) error {
		for _, t := range slices.Collect(JoinTokens.All(tx)) {
			if !tx.Now().Before(t.ExpiresAt) {
				JoinTokens.Delete(tx, t.Hash)
			}
		}
		JoinTokens.Put(tx, JoinToken{Hash: hashOf(secret), ExpiresAt: tx.Now().Add(life)})
		return nil
	})
	return fmt.Sprintf("%s.%x.%s", tokenMark, fingerprint, secret), err
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Join implements hostapi.HostsServer.
func (s *Server) Join(ctx context.Context, r *hostapi.JoinRequest) (*hostapi.JoinReply, error) {
	csr, err := x509.ParseCertificateRequest(r.CertificateRequest)
	if err != nil || csr.CheckSignature() != nil {
		return nil, status.Error(codes.InvalidArgument, "the certificate request is not valid PKCS #10")
	}
	if r.HostId == "" || len(r.HostId) > 64 {
		return nil, status.Error(codes.InvalidArgument, "a host needs an id of at most 64 characters")
	}
	secret := r.Token[strings.LastIndexByte(r.Token, '.')+1:]
	a, err := authorityOf(s.Store.Snapshot())
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	der, err := a.sign(r.HostId, x509.ExtKeyUsageClientAuth, csr.PublicKey)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, "the certificate request's key cannot be used")
	}
	refused := status.Error(codes.Unauthenticated, "the join token is wrong, used or expired: make a new one with 'cloudlet token'")
	err = s.Store.Write(ctx, func(tx *statestore.Txn) error {
		t, ok := JoinTokens.Get(tx, hashOf(secret))
		if !ok || !tx.Now().Before(t.ExpiresAt) {
			return refused
		}
		if _, known := compute.Hosts.Get(tx, r.HostId); known {
			return status.Errorf(codes.AlreadyExists, "host %s has joined before: its certificate is in its data directory; give a new host an empty one", r.HostId)
		}
		JoinTokens.Delete(tx, t.Hash)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.Log.Info("host joined", "id", r.HostId)
	return &hostapi.JoinReply{Certificate: der, CaCertificate: a.cert.Raw}, nil
}
