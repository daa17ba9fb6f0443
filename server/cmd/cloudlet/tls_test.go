package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certificates makes an authority and a certificate for 127.0.0.1, as files ca.pem,
// cert.pem and key.pem in a new directory, and returns a client that trusts it.
func certificates(t *testing.T) (dir string, c *http.Client) {
	t.Helper()
	dir = t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	save := func(name, kind string, der []byte) {
		write(t, filepath.Join(dir, name), string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	must(err)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "cloud"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	must(err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	save("ca.pem", "CERTIFICATE", caDER)
	save("cert.pem", "CERTIFICATE", der)
	save("key.pem", "PRIVATE KEY", pkcs8)
	pool := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(caDER)
	must(err)
	pool.AddCert(parsed)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return dir, &http.Client{Transport: transport}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	certs, client := certificates(t)
	dir := t.TempDir()
	args := []string{"-tls-cert", filepath.Join(certs, "cert.pem"), "-tls-key", filepath.Join(certs, "key.pem"), "-ca-cert", filepath.Join(certs, "ca.pem")}
	p, base := dev(t, dir, args...)
	if !strings.HasPrefix(base, "https://127.0.0.1:") {
		t.Errorf("base %s", base)
	}
	a, status := login(t, client, base, "admin", password)
	if status != http.StatusCreated {
		t.Fatalf("login: status %d", status)
	}
	root := a.do("GET", "/identity/v3", nil)
	if href := root["version"].(object)["links"].([]any)[0].(object)["href"].(string); !strings.HasPrefix(href, base) {
		t.Errorf("the API says it is at %s", href)
	}
	_, b := a.send("GET", "/identity/v3/auth/catalog", nil)
	if strings.Contains(string(b), "http://") || !strings.Contains(string(b), base) {
		t.Errorf("catalog: %s", b)
	}
	if _, err := http.Get(base); err == nil {
		t.Error("a client that does not know the authority trusts the server")
	}
	if resp, err := http.Get("http" + strings.TrimPrefix(base, "https")); err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP: %v, %v", resp, err)
	}
	file, err := readClouds(dir)
	if err != nil || file.Clouds[userCloud].CACert != filepath.Join(certs, "ca.pem") {
		t.Errorf("clouds.yaml: %+v, %v", file, err)
	}
	mustContain(t, shellEnv(t, dir), "OS_CACERT="+filepath.Join(certs, "ca.pem")+"\n", "OS_AUTH_URL="+base)
	openstack(t, dir, "network", "list")
	p.stop()
}

// openstack runs the OpenStack client as the administrator, and returns its output.
func openstack(t *testing.T, dir string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("openstack")
	if err != nil {
		if os.Getenv("CLOUDLET_TEST_NOSKIP") == "1" {
			t.Fatal("python3-openstackclient is not installed")
		}
		t.Log("SKIPPED, python3-openstackclient is not installed: openstack " + strings.Join(args, " "))
		return ""
	}
	cmd := exec.Command(path, append([]string{"--os-cloud", adminCloud}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "OS_CLIENT_CONFIG_FILE=" + cloudsPath(dir)}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("openstack %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
