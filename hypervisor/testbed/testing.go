package testbed

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Start brings up a testbed for a test, and takes it down when the test ends.
// o.Dir may be empty. Where no testbed can be the test is skipped, unless
// CLOUDLET_TEST_NOSKIP is 1: then it fails.
func Start(t testing.TB, o Options) *Testbed {
	t.Helper()
	Require(t)
	if o.Dir == "" {
		// Not t.TempDir: paths of Unix sockets may have 107 bytes.
		dir, err := os.MkdirTemp("", "testbed-")
		if err != nil {
			t.Fatal(err)
		}
		o.Dir = dir
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := Down(ctx, o.Dir); err != nil {
			t.Errorf("testbed is not taken away: %v", err)
		}
		os.Remove(o.Dir)
	})
	bed, err := Up(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // runs before that above
		for _, h := range bed.Hosts {
			if log, _ := os.ReadFile(filepath.Join(h.Dir, "log", "libvirtd.log")); t.Failed() && len(log) > 0 {
				t.Logf("%s: end of libvirtd's log:\n%s", h.Name, log[max(0, len(log)-4096):])
			}
		}
	})
	return bed
}

// Require skips a test, loudly, where no testbed can be; or fails it, as Start.
func Require(t testing.TB) {
	t.Helper()
	err := Missing()
	switch {
	case err == nil:
	case os.Getenv("CLOUDLET_TEST_NOSKIP") == "1":
		t.Fatalf("this test needs a testbed: %v", err)
	default:
		t.Skipf("SKIPPED, a testbed can't be: %v", err)
	}
}

// Image is the path of the tiny guest image, which nobody may change. It is made
// once and kept in the user's cache directory.
func Image(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "cloudlet-testbed")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	image := filepath.Join(dir, "tiny.qcow2")
	if err := BuildImage(t.Context(), image); err != nil {
		t.Fatal(err)
	}
	return image
}
