package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
)

// imageWorld is a cache and a server with one image.
func imageWorld(t *testing.T, content []byte) (*imageCache, *server, string) {
	t.Helper()
	s := newServer(t)
	sum := sha256.Sum256(content)
	sha := hex.EncodeToString(sum[:])
	s.images[sha] = content
	c, err := openImages(t.TempDir(), hostapi.NewHostsClient(s.dial(t)))
	if err != nil {
		t.Fatal(err)
	}
	return c, s, sha
}

func inPlace(t *testing.T, c *imageCache, sha string, content []byte) {
	t.Helper()
	if b, err := os.ReadFile(c.path(sha)); err != nil || !bytes.Equal(b, content) {
		t.Errorf("in place are %d bytes, %v; want %d", len(b), err, len(content))
	}
	if left := names(t, c.dir); len(left) != 1 {
		t.Errorf("the cache holds %v", left)
	}
}

// A transfer that is cut anywhere goes on where it ended.
func TestImageResumes(t *testing.T) {
	content := []byte(strings.Repeat("0123456789abcdef", 5))
	for cut := 1; cut <= len(content); cut++ {
		c, s, sha := imageWorld(t, content)
		s.cut = int64(cut)
		tries := 0
		for err := errors.New("not yet"); err != nil; tries++ {
			if err = c.fetch(t.Context(), sha); err != nil && (!errors.Is(err, errServerAway) || fileExists(c.path(sha))) {
				t.Fatalf("cut after %d bytes: %v", cut, err)
			}
		}
		inPlace(t, c, sha, content)
		if want := (len(content) + cut - 1) / cut; tries != want || s.offsets[tries-1] != int64((want-1)*cut) {
			t.Errorf("cut after %d bytes it took %d tries at %v", cut, tries, s.offsets)
		}
	}
}

func TestImageWithLeftoversOfAnother(t *testing.T) {
	content := []byte("the content")
	for _, left := range []string{"other bytes", "th", "", "longer than the image has bytes"} {
		c, _, sha := imageWorld(t, content)
		if err := os.WriteFile(c.path(sha)+".part", []byte(left), 0o600); err != nil {
			t.Fatal(err)
		}
		err := c.fetch(t.Context(), sha)
		if bad := !strings.HasPrefix(string(content), left); bad && (!errors.Is(err, errImage) || fileExists(c.path(sha))) {
			t.Errorf("after %q: %v", left, err)
		}
		if err := c.fetch(t.Context(), sha); err != nil {
			t.Errorf("after %q, again: %v", left, err)
		}
		inPlace(t, c, sha, content)
	}
}

func TestImageRefusals(t *testing.T) {
	c, s, sha := imageWorld(t, []byte("right"))
	s.images[sha] = []byte("wrong")
	if err := c.fetch(t.Context(), sha); !errors.Is(err, errImage) || len(names(t, c.dir)) > 0 {
		t.Errorf("wrong content: %v, left %v", err, names(t, c.dir))
	}
	if err := c.fetch(t.Context(), "../../etc/passwd"); !errors.Is(err, errImage) {
		t.Errorf("a name that is no content address: %v", err)
	}
	if err := c.fetch(t.Context(), strings.Repeat("0", 64)); !errors.Is(err, errImage) || errors.Is(err, errServerAway) {
		t.Errorf("an image that the server does not have: %v", err)
	}
	s.grpc.Stop()
	if err := c.fetch(t.Context(), sha); !errors.Is(err, errServerAway) {
		t.Errorf("without the server: %v", err)
	}
}

func TestImageOnFullDisk(t *testing.T) {
	content := []byte(strings.Repeat("x", 3500))
	c, _, sha := imageWorld(t, content)
	writes := 0
	c.write = func(f *os.File, b []byte) (int, error) {
		if writes++; writes > 2 {
			n, _ := f.Write(b[:10])
			return n, &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
		}
		return f.Write(b)
	}
	if err := c.fetch(t.Context(), sha); !errors.Is(err, syscall.ENOSPC) || len(names(t, c.dir)) > 0 {
		t.Errorf("full disk: %v, left %v", err, names(t, c.dir))
	}
	c.write = (*os.File).Write
	if err := c.fetch(t.Context(), sha); err != nil {
		t.Errorf("with room again: %v", err)
	}
	inPlace(t, c, sha, content)
}

func TestImageIsFetchedOnce(t *testing.T) {
	content := bytes.Repeat([]byte("x"), 100_000)
	c, s, sha := imageWorld(t, content)
	var callers sync.WaitGroup
	errs := make([]error, 20)
	for n := range errs {
		callers.Go(func() { errs[n] = c.fetch(t.Context(), sha) })
	}
	callers.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	inPlace(t, c, sha, content)
	if len(s.offsets) != 1 {
		t.Errorf("it was fetched at %v", s.offsets)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.fetch(ctx, sha); err != nil {
		t.Errorf("what is in place needs no time: %v", err)
	}
}

func TestImageSweep(t *testing.T) {
	c, _, sha := imageWorld(t, []byte("x"))
	if err := c.fetch(t.Context(), sha); err != nil {
		t.Fatal(err)
	}
	busy, old := fmt.Sprintf("%064x", 1), fmt.Sprintf("%064x", 2)
	c.fetching[busy] = &fetch{}
	for _, name := range []string{busy + ".part", old, old + ".part", "odd"} {
		if err := os.WriteFile(filepath.Join(c.dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.sweep(map[string]bool{sha: true})
	want := []string{busy + ".part", sha}
	slices.Sort(want)
	if left := names(t, c.dir); !slices.Equal(left, want) {
		t.Errorf("left are %v, want %v", left, want)
	}
}
