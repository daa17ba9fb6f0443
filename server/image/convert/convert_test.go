package convert

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
)

func need(t *testing.T) {
	t.Helper()
	if err := Check("qcow2"); err != nil {
		if os.Getenv("CLOUDLET_TEST_NOSKIP") == "1" {
			t.Fatal(err)
		}
		t.Skipf("%v", err)
	}
}

func qemuImg(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "qemu-img", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("qemu-img %v: %v: %s", args, err, out)
	}
	return string(out)
}

func TestConvert(t *testing.T) {
	need(t)
	dir := t.TempDir()
	raw := filepath.Join(dir, "raw")
	data := make([]byte, 4<<20)
	copy(data[1<<20:], "something")
	if err := os.WriteFile(raw, data, 0o600); err != nil {
		t.Fatal(err)
	}
	last, format := raw, "raw"
	for _, next := range []string{"qcow2", "vmdk", "raw"} {
		to := filepath.Join(dir, "to-"+next)
		if err := (Converter{}).Convert(t.Context(), last, format, to, next); err != nil {
			t.Fatal(err)
		}
		last, format = to, next
	}
	qemuImg(t, "compare", "-f", "raw", "-F", "raw", raw, last)
}

func TestRefused(t *testing.T) {
	need(t)
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := os.WriteFile(from, []byte("QFI\xfb no disk"), 0o600); err != nil {
		t.Fatal(err)
	}
	gone := func(what string, err error) {
		t.Helper()
		if !cloud.Is(err, cloud.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a file is left", what)
		}
	}
	gone("damaged", Converter{}.Convert(t.Context(), from, "qcow2", to, "raw"))
	gone("no such format", Converter{}.Convert(t.Context(), from, "iso", to, "raw"))
	if err := os.WriteFile(from, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	full := filepath.Join(dir, "full")
	b := make([]byte, 8<<20)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	if err := os.WriteFile(full, b, 0o600); err != nil {
		t.Fatal(err)
	}
	gone("file too large", Converter{Size: 1 << 20}.Convert(t.Context(), full, "raw", to, "qcow2"))
	gone("too much memory", Converter{Memory: 1 << 20}.Convert(t.Context(), full, "raw", to, "qcow2"))
	if err := (Converter{Spare: 1 << 62}).Convert(t.Context(), full, "raw", to, "qcow2"); !cloud.Is(err, cloud.TooLarge) {
		t.Errorf("no room: %v", err)
	}
	gone("too long", Converter{Wall: time.Nanosecond}.Convert(t.Context(), full, "raw", to, "qcow2"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (Converter{}).Convert(ctx, full, "raw", to, "qcow2"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := Check("vdi"); !cloud.Is(err, cloud.Invalid) {
		t.Error(err)
	}
}
