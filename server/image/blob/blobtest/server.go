package blobtest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Server is a real object storage, reached through a Proxy.
type Server struct {
	*Proxy
	t    testing.TB
	dir  string
	ca   string // its certificate; empty: it speaks HTTP
	cmd  *exec.Cmd
	said *bytes.Buffer
}

// What the server knows.
const (
	Bucket    = "images"
	accessKey = "cloudlet-test"
	secretKey = "a secret that no test may find in a log"
)

// SecretKey is for tests that look for it where it must not be.
const SecretKey = secretKey

// Start starts an object storage with one bucket, which ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	return start(t, false)
}

// StartTLS is Start of one that speaks TLS, by the name 127.0.0.1.
func StartTLS(t testing.TB) *Server {
	t.Helper()
	return start(t, true)
}

func start(t testing.TB, secure bool) *Server {
	t.Helper()
	program := build(t)
	dir, err := os.MkdirTemp("", "s3-") // short: it holds a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &Server{t: t, dir: dir, said: &bytes.Buffer{}}
	for _, d := range []string{"root/" + Bucket, "meta"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	keys := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n\n[wrong]\naws_access_key_id = %s\naws_secret_access_key = no\n\n[stranger]\naws_access_key_id = stranger\naws_secret_access_key = no\n",
		accessKey, secretKey, accessKey)
	if err := os.WriteFile(s.keys(), []byte(keys), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--port", s.socket(), "--quiet"}
	if secure {
		s.ca = filepath.Join(dir, "cert.pem")
		args = append(args, "--cert", s.ca, "--key", certify(t, s.ca))
	}
	s.cmd = exec.Command(program, append(args, "posix", "--sidecar", filepath.Join(dir, "meta"), filepath.Join(dir, "root"))...)
	s.cmd.Env = []string{"ROOT_ACCESS_KEY=" + accessKey, "ROOT_SECRET_KEY=" + secretKey, "HOME=" + dir, "TMPDIR=" + dir}
	s.cmd.Stdout, s.cmd.Stderr = s.said, s.said
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		if t.Failed() && s.said.Len() > 0 {
			t.Logf("the object storage said: %.4000s", s.said)
		}
	})
	s.await()
	s.Proxy = NewProxy(t, "unix", s.socket())
	return s
}

func (s *Server) socket() string { return filepath.Join(s.dir, "s3.sock") }
func (s *Server) keys() string   { return filepath.Join(s.dir, "credentials") }

// await waits until the server accepts connections: it does not say when.
func (s *Server) await() {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("unix", s.socket()); err == nil {
			c.Close()
			return
		}
	}
	s.t.Fatal("the object storage does not start")
}

// Address is the store below a prefix, as -image-store has it. More are further
// options: "profile=wrong".
func (s *Server) Address(prefix string, more ...string) string {
	options := []string{"endpoint=http://" + s.Proxy.Addr(), "credentials=" + s.keys()}
	if s.ca != "" {
		options = []string{"endpoint=https://" + s.Proxy.Addr(), "credentials=" + s.keys(), "ca-cert=" + s.ca}
	}
	return fmt.Sprintf("s3://%s/%s?%s", Bucket, prefix, strings.Join(append(options, more...), "&"))
}

// Objects are the keys of all objects, and Uploads of all uploads that did not end,
// as another client sees them.
func (s *Server) Objects() (keys []string) {
	s.t.Helper()
	for o := range s.client().ListObjectsIter(s.t.Context(), Bucket, minio.ListObjectsOptions{Recursive: true}) {
		if o.Err != nil {
			s.t.Fatal(o.Err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}

// Uploads are the keys of all uploads that did not end.
func (s *Server) Uploads() (keys []string) {
	s.t.Helper()
	r, err := s.client().ListMultipartUploads(s.t.Context(), Bucket, "", "", "", "", 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, u := range r.Uploads {
		keys = append(keys, u.Key)
	}
	return keys
}

// Begin begins an upload and leaves it, as a process that was killed does.
func (s *Server) Begin(key string) {
	s.t.Helper()
	id, err := s.client().NewMultipartUpload(s.t.Context(), Bucket, key, minio.PutObjectOptions{})
	if err == nil {
		_, err = s.client().PutObjectPart(s.t.Context(), Bucket, key, id, 1, strings.NewReader("part"), 4, minio.PutObjectPartOptions{})
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// Put makes an object, whatever its name says.
func (s *Server) Put(key, bytes string) {
	s.t.Helper()
	if _, err := s.client().PutObject(s.t.Context(), Bucket, key, strings.NewReader(bytes), int64(len(bytes)), "", "", minio.PutObjectOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// client is one that knows nothing of faults.
func (s *Server) client() *minio.Core {
	s.t.Helper()
	tr, err := minio.DefaultTransport(s.ca != "")
	if err != nil {
		s.t.Fatal(err)
	}
	if s.ca != "" {
		tr.TLSClientConfig.InsecureSkipVerify = true // its socket has no name
	}
	tr.DialContext = dialer("unix", s.socket())
	tr.DisableKeepAlives = true
	c, err := minio.NewCore("s3.test", &minio.Options{Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Secure: s.ca != "", Region: "us-east-1", BucketLookup: minio.BucketLookupPath, Transport: tr})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// build returns the server's program, which is built once for all tests.
func build(t testing.TB) string {
	t.Helper()
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Fatal(err)
	}
	one, err := os.OpenFile(filepath.Join(os.TempDir(), "cloudlet-blobtest.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		defer one.Close()
		err = syscall.Flock(int(one.Fd()), syscall.LOCK_EX) // several packages' tests would build it at once
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "tool", "-modfile=.ci/s3/go.mod", "-n", "versitygw")
	cmd.Dir = strings.TrimSpace(string(root))
	cmd.Stderr = &bytes.Buffer{}
	out, err := cmd.Output()
	if err != nil {
		if os.Getenv("CLOUDLET_TEST_NOSKIP") == "1" {
			t.Fatalf("the object storage cannot be built: %v: %s", err, cmd.Stderr)
		}
		t.Skipf("SKIPPED: the object storage cannot be built: %v: %s", err, cmd.Stderr)
	}
	return strings.TrimSpace(string(out))
}
