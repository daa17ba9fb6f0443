package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image/blob/blobtest"
)

// leaves fails unless tidying empties the store. Once may not do: client and storage
// may be still at what was sent before a cut.
func leaves(t *testing.T, server *blobtest.Server, s *Store, what string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) { // the storage tells nobody
		if err := s.Tidy(t.Context()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		o, u := server.Objects(), server.Uploads()
		if len(o)+len(u) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s leaves %v and the uploads %v", what, o, u)
		}
	}
}

// An upload whose connections break once is whole all the same; one whose connections
// break from there on has not been.
func TestCutUploads(t *testing.T) {
	server := blobtest.Start(t)
	s, dir := open(t, server.Address("p")), t.TempDir()
	b := blobtest.New(40<<20, 1)
	for _, at := range []int64{0, 600, 5 << 20, 39 << 20, 40<<20 + 30_000} {
		what := fmt.Sprintf("an upload cut off once after %d bytes", at)
		server.Cut(at, -1, true)
		if err := s.Put(t.Context(), b.Name, b.File(t, dir)); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if server.Cuts() == 0 && at < 40<<20 {
			t.Errorf("%s was not", what)
		}
		server.Cut(-1, -1, false)
		if err := blobtest.Holds(t.Context(), s, b); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if err := s.Remove(t.Context(), b.Name); err != nil {
			t.Fatal(err)
		}
		leaves(t, server, s, what)
	}
	for _, at := range []int64{0, 600, 20 << 20, 39 << 20} {
		what := fmt.Sprintf("an upload cut off for good after %d bytes", at)
		server.Cut(at, -1, false)
		err := s.Put(t.Context(), b.Name, b.File(t, dir))
		server.Cut(-1, -1, false)
		if !cloud.Is(err, cloud.Unavailable) {
			t.Errorf("%s: %v", what, err)
		}
		if _, _, err := s.Open(t.Context(), b.Name); !cloud.Is(err, cloud.NotFound) {
			t.Errorf("%s can be opened: %v", what, err)
		}
		leaves(t, server, s, what)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

// An answer that does not come, at any byte of it, is asked for again.
func TestCutAnswers(t *testing.T) {
	server := blobtest.Start(t)
	s, dir := open(t, server.Address("p")), t.TempDir()
	b := blobtest.New(33<<20, 2)
	for _, at := range []int64{0, 300, 700, 1100, 1500} {
		server.Cut(-1, at, true)
		err := s.Put(t.Context(), b.Name, b.File(t, dir))
		server.Cut(-1, -1, false)
		if err == nil {
			err = blobtest.Holds(t.Context(), s, b)
		}
		// The last answer may be lost: then the object is there and nobody knows.
		if err != nil && !cloud.Is(err, cloud.Unavailable) {
			t.Errorf("cut after %d bytes of answers: %v", at, err)
		}
		if err := s.Remove(t.Context(), b.Name); err != nil {
			t.Fatal(err)
		}
		leaves(t, server, s, fmt.Sprintf("an upload whose answers were cut off after %d bytes", at))
	}
}

// A download that is cut off once goes on; one that is cut off for good is an error,
// and no end.
func TestCutDownloads(t *testing.T) {
	server := blobtest.Start(t)
	s := open(t, server.Address("p"))
	b := blobtest.New(9<<20, 3)
	if err := s.Put(t.Context(), b.Name, b.File(t, t.TempDir())); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{500, 100_000, 5 << 20, 9 << 20} {
		server.Cut(-1, at, true)
		if err := blobtest.Holds(t.Context(), s, b); err != nil || server.Cuts() != 1 {
			t.Errorf("cut off once after %d bytes: %v, %d cuts", at, err, server.Cuts())
		}
		server.Cut(-1, -1, false)
		f, size, err := s.Open(t.Context(), b.Name)
		if err != nil {
			t.Fatal(err)
		}
		server.Cut(-1, at, false)
		n, err := io.Copy(io.Discard, f)
		server.Cut(-1, -1, false)
		if !cloud.Is(err, cloud.Unavailable) || n >= size {
			t.Errorf("cut off for good after %d bytes: %d bytes of %d came, %v", at, n, size, err)
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, f); n != size || err != nil {
			t.Errorf("when it is back: %d, %v", n, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// What is wrong is told so that an operator can mend it, without secrets.
func TestWrong(t *testing.T) {
	server := blobtest.Start(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	closed.Close()
	for address, want := range map[string]string{
		server.Address("p", "profile=wrong"):                                 "the secret key is wrong",
		server.Address("p", "profile=stranger"):                              "the access key is not known there",
		strings.Replace(server.Address("p"), "images", "elsewhere", 1):       "there is no such bucket",
		strings.Replace(server.Address("p"), server.Proxy.Addr(), nobody, 1): "refused",
	} {
		s := open(t, address)
		b := blobtest.New(10, 4)
		failed := map[string]error{"Put": s.Put(t.Context(), b.Name, b.File(t, t.TempDir())), "Tidy": s.Tidy(t.Context())}
		for _, err := range s.Names(t.Context()) {
			failed["Names"] = err
		}
		for call, err := range failed {
			if !cloud.Is(err, cloud.Unavailable) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), blobtest.SecretKey) ||
				strings.Contains(err.Error(), "Signature=") || strings.Contains(cloud.AsError(err).Msg, "127.0.0.1") {
				t.Errorf("%s, %q wanted: %v", call, want, err)
			}
		}
		if failed["Names"] == nil {
			t.Errorf("%q wanted, and names are told", want)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := open(t, server.Address("p")).Remove(ended, "x"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A peer that says nothing is waited for once; then calls fail at once.
func TestSilence(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // it never accepts
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	server := blobtest.Start(t)
	s := open(t, strings.Replace(server.Address("p"), server.Proxy.Addr(), silent.Addr().String(), 1))
	short, cancel := context.WithTimeout(t.Context(), 50_000_000) // 50 ms
	defer cancel()
	for _, err := range s.Names(short) {
		if !cloud.Is(err, cloud.Unavailable) {
			t.Errorf("silence: %v", err)
		}
	}
	if err := s.Remove(t.Context(), "x"); !cloud.Is(err, cloud.Unavailable) || !strings.Contains(err.Error(), "a moment ago") {
		t.Errorf("after silence: %v", err)
	}
}

// Who ends a Put does not wait for a peer that says nothing.
func TestEndedWhileSilent(t *testing.T) {
	server := blobtest.Start(t)
	s := open(t, server.Address("p"))
	b := blobtest.New(40<<20, 5)
	file := b.File(t, t.TempDir())
	server.Stall(20 << 20)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Put(ctx, b.Name, file) }()
	for end := time.Now().Add(time.Minute); server.Cuts() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing is sent")
		}
	}
	began := time.Now()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || time.Since(began) > 20*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	server.Cut(-1, -1, false)
	leaves(t, server, s, "an upload that was ended")
}

// Storage that is full, and what is there no more, are told from what may pass.
func TestKindsOfFaults(t *testing.T) {
	s := &Store{cfg: Config{Bucket: "b"}}
	for code, want := range map[string]cloud.Kind{"QuotaExceeded": cloud.TooLarge, "XMinioStorageFull": cloud.TooLarge, "NoSuchKey": cloud.NotFound, "NoSuchUpload": cloud.NotFound,
		"SlowDown": cloud.Unavailable, "InternalError": cloud.Unavailable, "NoSuchBucket": cloud.Unavailable, "": cloud.Unavailable} {
		if err := s.fault(minio.ErrorResponse{Code: code}); !cloud.Is(err, want) {
			t.Errorf("%s: %v", code, err)
		}
	}
	if err := s.fault(minio.ErrorResponse{StatusCode: 507}); !cloud.Is(err, cloud.TooLarge) {
		t.Error(err)
	}
	if s.fault(nil) != nil {
		t.Error("no fault is one")
	}
}

// Tidy leaves alone what is not of the store, and what is under way.
func TestTidy(t *testing.T) {
	server := blobtest.Start(t)
	s := open(t, server.Address("p"))
	for _, key := range []string{"p/dead", "p/busy", "p/deeper/other", "q/other", "other"} {
		server.Begin(key)
	}
	server.Put("p/deeper/object", "x")
	server.Put("q/object", "x")
	s.count("busy", 1)
	if err := s.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(server.Uploads()); strings.Contains(got, "dead") || len(server.Uploads()) != 4 {
		t.Errorf("uploads after Tidy: %s", got)
	}
	if names := blobtest.Names(t, s); len(names) != 0 {
		t.Errorf("names of others: %v", names)
	}
	s.count("busy", -1)
	if err := s.Remove(t.Context(), "busy"); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(server.Uploads()); strings.Contains(got, "busy") {
		t.Errorf("uploads after Remove: %s", got)
	}
}

func TestParse(t *testing.T) {
	c, err := Parse("s3://cloud-images/a/b/?endpoint=https://s3.example.org:9000&region=eu&credentials=/etc/keys&profile=x&path-style=false&ca-cert=/ca")
	if want := (Config{Bucket: "cloud-images", Prefix: "a/b/", Host: "s3.example.org:9000", TLS: true, Region: "eu", File: "/etc/keys", Profile: "x", CACert: "/ca"}); err != nil || c != want {
		t.Errorf("%+v, %v", c, err)
	}
	if c.String() != "s3://cloud-images/a/b/ at https://s3.example.org:9000" {
		t.Error(c.String())
	}
	if c, err := Parse("s3://abc"); err != nil || c.Host != amazon || c.PathStyle || c.Prefix != "" {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := Parse("s3://abc?endpoint=http://[::1]:9"); err != nil || c.TLS || !c.PathStyle {
		t.Errorf("%+v, %v", c, err)
	}
	for address, want := range map[string]string{
		"s3://":                                           "cannot be a bucket",
		"s3://UPPER":                                      "cannot be a bucket",
		"s3://key:" + "hush" + "@abc":                     "keys do not belong",
		"s3://abc/../d":                                   "cannot be a prefix",
		"s3://abc/a//b":                                   "cannot be a prefix",
		"s3://abc/a?x=1":                                  `no option "x"`,
		"s3://abc/a?region=":                              "needs one value",
		"s3://abc/a?region=a&region=b":                    "needs one value",
		"s3://abc/a?path-style=maybe":                     "true or false",
		"s3://abc/a?endpoint=s3.example.org":              "https://host:port",
		"s3://abc/a?endpoint=http://s3.example.org":       "in the clear",
		"s3://abc/a?endpoint=https://k:hush@host":         "https://host:port",
		"s3://abc/a?endpoint=http://localhost&ca-cert=/x": "ca-cert needs",
		"s3://abc/a#b":                                    "fragment",
		"s3://a bc:hush":                                  "not an address",
		"s3://abc?a=%zz":                                  "options cannot be read",
		"https://abc/def":                                 "not an address",
	} {
		if _, err := Parse(address); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("s3://cloud-images/a/b/?endpoint=https://s3.example.org:9000&region=eu")
	f.Fuzz(func(t *testing.T, address string) {
		c, err := Parse(address)
		if err == nil && (c.Bucket == "" || c.Host == "" || strings.Contains(c.Prefix, "..")) {
			t.Errorf("%+v", c)
		}
	})
}

func TestKeys(t *testing.T) {
	for _, v := range append([]string{"AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"}, Variables...) {
		t.Setenv(v, "")
	}
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	get := func(c Config) string {
		keys, err := c.keys()
		if err != nil {
			return err.Error()
		}
		v, err := keys.GetWithContext(nil)
		if err != nil {
			t.Fatal(err)
		}
		return v.AccessKeyID + "/" + v.SecretAccessKey
	}
	if got := get(Config{}); !strings.Contains(got, "no pair of keys") {
		t.Error(got)
	}
	file := filepath.Join(dir, "keys")
	text := "[default]\naws_access_key_id=a\naws_secret_access_key=b\n[other]\naws_access_key_id=c\naws_secret_access_key=d\n[half]\naws_access_key_id=c\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	if got := get(Config{}); got != "a/b" {
		t.Error(got)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "e")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "f")
	if got := get(Config{}); got != "e/f" {
		t.Error(got)
	}
	for _, c := range []struct{ file, profile, want string }{
		{file, "", "a/b"}, {file, "other", "c/d"}, {"", "other", "c/d"}, {file, "half", ""}, {file, "none", ""}, {file + "x", "", ""},
	} {
		got := get(Config{File: c.file, Profile: c.profile})
		if c.want != "" && got != c.want || c.want == "" && !strings.HasPrefix(got, "credentials of ") {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
