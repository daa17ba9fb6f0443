package libvirt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cloudlet/cloudlet/hypervisor"
)

func write(t *testing.T, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func header(version uint32, size, backing, features uint64) []byte {
	h := make([]byte, 112)
	copy(h, "QFI\xfb")
	binary.BigEndian.PutUint32(h[4:], version)
	binary.BigEndian.PutUint64(h[8:], backing)
	binary.BigEndian.PutUint64(h[24:], size)
	binary.BigEndian.PutUint64(h[72:], features)
	return h
}

func TestBaseSize(t *testing.T) {
	for _, c := range []struct {
		name, format string
		data         []byte
		want         int64 // -1: refused
	}{
		{"raw", "raw", make([]byte, 513), 1024},
		{"qcow2", "qcow2", header(3, 1<<30, 0, 0), 1 << 30},
		{"old qcow2", "qcow2", header(2, 1<<20, 0, 4)[:72], 1 << 20},
		{"backing file", "qcow2", header(3, 1<<30, 200, 0), -1},
		{"data file", "qcow2", header(3, 1<<30, 0, 4), -1},
		{"absurd size", "qcow2", header(3, 1<<63, 0, 0), -1},
		{"not qcow2", "qcow2", make([]byte, 512), -1},
		{"cut", "qcow2", header(3, 1, 0, 0)[:40], -1},
		{"empty", "qcow2", nil, -1},
	} {
		got, err := baseSize(write(t, c.data), c.format)
		if c.want < 0 != (err != nil) || err == nil && got != c.want {
			t.Errorf("%s: %d, %v; want %d", c.name, got, err, c.want)
		}
	}
}

func TestOnlyStartsWithoutAProcessAreForgotten(t *testing.T) {
	run := t.TempDir()
	if err := os.Mkdir(filepath.Join(run, "qemu"), 0o755); err != nil {
		t.Fatal(err)
	}
	starting := "<!--\nWARNING: NOT TO BE EDITED\n-->\n\n<domstatus state='paused' reason='starting up' pid='0'>\n  <domain/>\n</domstatus>\n"
	keep := map[string]string{
		"cloudlet-b.xml": strings.ReplaceAll(starting, "'0'", "'4711'"),
		"cloudlet-c.xml": strings.ReplaceAll(starting, "starting up", "user"),
		"cloudlet-d.xml": "<domain><domstatus reason='starting up' pid='0'/></domain>",
		"cloudlet-e.xml": starting[:60],
		"cloudlet-f.pid": "0",
		"foreign.xml":    starting,
	}
	for name, text := range keep {
		if err := os.WriteFile(filepath.Join(run, "qemu", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	forgotten := filepath.Join(run, "qemu", "cloudlet-a.xml")
	if err := os.WriteFile(forgotten, []byte(starting), 0o600); err != nil {
		t.Fatal(err)
	}
	forgetStarts("qemu+unix:///system?socket=" + run + "/libvirt-sock")
	if _, err := os.Stat(forgotten); !os.IsNotExist(err) {
		t.Errorf("the start without a process is there (%v)", err)
	}
	for name := range keep {
		if _, err := os.Stat(filepath.Join(run, "qemu", name)); err != nil {
			t.Error(err)
		}
	}
	if dir := stateDir("qemu:///system"); dir != "/run/libvirt/qemu" {
		t.Errorf("the system's libvirtd keeps them in %s", dir)
	}
}

func TestEnsureDisk(t *testing.T) {
	if _, err := exec.LookPath("qemu-img"); err != nil {
		if os.Getenv("CLOUDLET_TEST_NOSKIP") == "1" {
			t.Fatal(err)
		}
		t.Skip("SKIPPED: no qemu-img (package qemu-utils)")
	}
	dir, base := t.TempDir(), write(t, make([]byte, 1<<20))
	disk := hypervisor.Disk{Path: filepath.Join(dir, "disk, with comma.qcow2"), Base: base, BaseFormat: "raw", SizeBytes: 4 << 20}
	for name, spoil := range map[string]func(*hypervisor.Disk){
		"too small": func(d *hypervisor.Disk) { d.SizeBytes = 1<<20 - 512 },
		"no base":   func(d *hypervisor.Disk) { d.Base += "x" },
	} {
		d := disk
		spoil(&d)
		if err := ensureDisk(t.Context(), d); !errors.Is(err, hypervisor.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	// What a call that was killed left is no hindrance.
	if err := os.WriteFile(disk.Path+".new", []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := ensureDisk(t.Context(), disk); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("qemu-img", "info", "--output=json", disk.Path).Output()
	if err != nil || !strings.Contains(string(out), `"virtual-size": 4194304`) || !strings.Contains(string(out), `"backing-filename": "`+base) {
		t.Errorf("the disk is %s, %v", out, err)
	}
	empty := hypervisor.Disk{Path: filepath.Join(dir, "empty"), SizeBytes: 1 << 20}
	if err := ensureDisk(t.Context(), empty); err != nil {
		t.Error(err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 2 {
		t.Errorf("files: %v, want two", names)
	}
}

func TestConsoleIsTrimmed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	if text, err := readConsole(file, 0); err != nil || len(text) > 0 {
		t.Errorf("no log: %q, %v", text, err)
	}
	line := []byte("a line of the console\n")
	if err := os.WriteFile(file, bytes.Repeat(line, (consoleMost+consoleMost/2)/len(line)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := trimConsole(file); errors.Is(err, syscall.EOPNOTSUPP) {
		t.Skip("SKIPPED: the file system has no holes")
	} else if err != nil {
		t.Fatal(err)
	}
	text, err := readConsole(file, 0)
	if err != nil || len(text) < consoleKept || len(text) > consoleKept+4096 || !bytes.HasSuffix(text, line) || bytes.IndexByte(text, 0) >= 0 {
		t.Errorf("%d bytes are kept (%v), want %d and less than a block", len(text), err, consoleKept)
	}
	if text, _ := readConsole(file, 5); string(text) != "sole\n" {
		t.Errorf("the last five bytes are %q", text)
	}
	if text, _ := readConsole(write(t, line), 1<<40); !bytes.Equal(text, line) {
		t.Errorf("a short log is %q", text)
	}
}
