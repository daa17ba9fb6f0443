package hosts

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/cloudlet/cloudlet/hypervisor/agent"
	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
)

// newTLSWorld returns a world whose agents come over TCP, and where to.
func newTLSWorld(t *testing.T) (*world, string) {
	w := newWorld(t)
	config, err := ListenerTLS(w.store.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := w.server.GRPC(grpc.Creds(credentials.NewTLS(config)))
	go g.Serve(l)
	t.Cleanup(g.Stop)
	return w, l.Addr().String()
}

func (w *world) token(life time.Duration) string {
	w.Helper()
	token, err := NewJoinToken(w.Context(), w.store, life)
	if err != nil {
		w.Fatal(err)
	}
	return token
}

func client(t *testing.T, at string, creds credentials.TransportCredentials) hostapi.HostsClient {
	t.Helper()
	c, err := grpc.NewClient("dns:///"+at, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return hostapi.NewHostsClient(c)
}

func TestJoin(t *testing.T) {
	w, at := newTLSWorld(t)
	join := func(dir, id, token string) (credentials.TransportCredentials, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		return agent.Credentials(ctx, dir, at, id, token)
	}
	token, dir := w.token(time.Minute), t.TempDir()
	if _, err := join(dir, "h1", token); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"host.key", "host.crt", "ca.crt"} {
		if fi, err := os.Stat(filepath.Join(dir, name)); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, fi, err)
		}
	}
	for what, c := range map[string]struct{ id, token, want string }{
		"used twice": {"h2", token, "wrong, used or expired"},
		"wrong":      {"h2", token[:len(token)-3] + "AAA", "wrong, used or expired"},
		"no token":   {"h2", "", "give it a join token"},
		"garbage":    {"h2", "x", "has the form"},
		"short":      {"h2", "clj1.00.x", "has the form"},
		"another's":  {"h2", "clj1." + strings.Repeat("00", 32) + ".x", "not the one that the join token was made at"},
		"no id":      {"", w.token(time.Hour), "needs an id"},
	} {
		dir := t.TempDir()
		if _, err := join(dir, c.id, c.token); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: left %v", what, left)
		}
	}
	late := w.token(time.Minute)
	w.clock.move(time.Minute)
	if _, err := join(t.TempDir(), "h2", late); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("an expired token: %v", err)
	}
	w.clock.move(time.Hour)
	w.token(time.Minute)
	if n := JoinTokens.Len(w.store.Snapshot()); n != 1 {
		t.Errorf("%d tokens are kept, want the one that is good", n)
	}
	// Who has joined needs no token, nor the server's leave.
	creds, err := join(dir, "h1", "")
	if err != nil {
		t.Fatal(err)
	}
	a := w.connect(client(t, at, creds), hello("h1"))
	if d := a.desired(); !d.Whole {
		t.Errorf("told %v", d)
	}
	again := w.token(time.Hour)
	if _, err := join(t.TempDir(), "h1", again); err == nil || !strings.Contains(err.Error(), "joined before") {
		t.Errorf("the id of a host that is known: %v", err)
	}
	if _, err := join(t.TempDir(), "h3", again); err != nil {
		t.Errorf("the token was used up by a refusal: %v", err)
	}
}

// I5
func TestIdentityOverTLS(t *testing.T) {
	w, at := newTLSWorld(t)
	creds, err := agent.Credentials(t.Context(), t.TempDir(), at, "h1", w.token(0))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.connect(client(t, at, creds), hello("h2")).ended(); status.Code(err) != codes.PermissionDenied {
		t.Errorf("h1 as h2: %v", err)
	}
	nobody := credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})
	if err := w.connect(client(t, at, nobody), hello("h1")).ended(); status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a certificate: %v", err)
	}
	w.images["sha"] = "content"
	fetch := func(creds credentials.TransportCredentials) error {
		s, err := client(t, at, creds).FetchImage(t.Context(), &hostapi.FetchImageRequest{Sha256: "sha"})
		if err != nil {
			return err
		}
		_, err = s.Recv()
		return err
	}
	if err := fetch(nobody); status.Code(err) != codes.Unauthenticated {
		t.Errorf("an image without a certificate: %v", err)
	}
	if err := fetch(creds); err != nil {
		t.Errorf("an image: %v", err)
	}
	// The certificate of another cloud is none.
	other, otherAt := newTLSWorld(t)
	foreign, err := agent.Credentials(t.Context(), t.TempDir(), otherAt, "h1", other.token(0))
	if err != nil {
		t.Fatal(err)
	}
	if err := fetch(foreign); err == nil {
		t.Error("another cloud's certificate was taken")
	}
	if w.server.Connected("h1") || w.server.Connected("h2") {
		t.Error("a host is connected")
	}
}

func TestAdmin(t *testing.T) {
	w := newWorld(t)
	var dir string
	a := Admin{Store: w.store, WriteBackup: func(_ context.Context, d string) error { dir = d; return os.ErrExist }}
	r, err := a.NewJoinToken(t.Context(), &hostapi.NewJoinTokenRequest{})
	if err != nil || !strings.HasPrefix(r.Token, tokenMark+".") {
		t.Errorf("token %v, %v", r, err)
	}
	if _, err := a.Backup(t.Context(), &hostapi.BackupRequest{Directory: "here"}); status.Code(err) != codes.InvalidArgument || dir != "" {
		t.Errorf("a relative directory: %v, %q", err, dir)
	}
	if _, err := a.Backup(t.Context(), &hostapi.BackupRequest{Directory: "/there"}); status.Code(err) != codes.FailedPrecondition || dir != "/there" {
		t.Errorf("a directory that exists: %v, %q", err, dir)
	}
}
