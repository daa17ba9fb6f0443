package inspect

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// qemuImg makes the file x in a directory by commands of qemu-img, and returns it.
func qemuImg(t *testing.T, commands ...string) *os.File {
	t.Helper()
	if _, err := exec.LookPath("qemu-img"); err != nil {
		if os.Getenv("CLOUDLET_TEST_NOSKIP") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "base"), bytes.Repeat([]byte("base"), 1<<18), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		cmd := exec.CommandContext(t.Context(), "qemu-img", strings.Fields(c)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("qemu-img %s: %v: %s", c, err, out)
		}
	}
	f, err := os.Open(filepath.Join(dir, "x"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestQEMUsImages inspects what qemu-img makes, good and bad.
func TestQEMUsImages(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name, commands string // one a line
		declared       string
		size           int64  // of the disk; 0: it is refused
		reason         string // part of it
	}{
		{"raw", "create -f raw x 4M", Raw, 4 * mib, ""},
		{"qcow2", "create -f qcow2 x 4M", QCOW2, 4 * mib, ""},
		{"qcow2 of 64 TiB", "create -f qcow2 -o cluster_size=2M x 64T", QCOW2, MaxVirtualSize, ""},
		{"qcow2, version 2", "create -f qcow2 -o compat=0.10 x 4M", QCOW2, 4 * mib, ""},
		{"qcow2, extended L2, zstd", "create -f qcow2 -o extended_l2=on,compression_type=zstd x 4M", QCOW2, 4 * mib, ""},
		{"qcow2, compressed", "convert -c -f raw -O qcow2 base x", QCOW2, mib, ""},
		{"qcow2 with a snapshot", "create -f qcow2 x 4M\nsnapshot -c s x", QCOW2, 4 * mib, ""},
		{"vmdk", "create -f vmdk x 4M", VMDK, 4 * mib, ""},
		{"vmdk stream", "convert -f raw -O vmdk -o subformat=streamOptimized base x", VMDK, mib, ""},
		{"vdi", "create -f vdi x 4M", VDI, 4 * mib, ""},
		{"vdi, static", "create -f vdi -o static=on x 4M", VDI, 4 * mib, ""},
		{"vhd", "create -f vpc -o force_size=on x 4M", VHD, 4 * mib, ""},
		{"vhd, fixed", "create -f vpc -o subformat=fixed,force_size=on x 4M", VHD, 4 * mib, ""},
		{"vhdx", "create -f vhdx x 4M", VHDX, 4 * mib, ""},
		{"vhdx, fixed", "create -f vhdx -o subformat=fixed x 4M", VHDX, 4 * mib, ""},
		{"parallels", "create -f parallels x 4M", Ploop, 4 * mib, ""},

		{"qcow2 with a backing file", "create -f qcow2 -b base -F raw x", QCOW2, 0, "backing file"},
		{"qcow2 with a backing file of the host", "create -f qcow2 -u -b /etc/shadow -F raw x 1M", QCOW2, 0, "backing file"},
		{"qcow2 with a backing file as JSON", "create -f qcow2 -u -b json:{\"driver\":\"file\",\"filename\":\"/etc/shadow\"} -F raw x 1M", QCOW2, 0, "backing file"},
		{"qcow2 with a data file", "create -f qcow2 -o data_file=data x 1M", QCOW2, 0, "data in another file"},
		{"qcow2 with a raw data file", "create -f qcow2 -o data_file=data,data_file_raw=on x 1M", QCOW2, 0, "data in another file"},
		{"qcow2 of 1 EiB", "create -f qcow2 -o cluster_size=2M x 1E", QCOW2, 0, "claims to hold a disk"},
		{"vmdk, flat", "create -f vmdk -o subformat=monolithicFlat x 1M", VMDK, 0, "several files"},
		{"vmdk in 2 GiB files", "create -f vmdk -o subformat=twoGbMaxExtentSparse x 3G", VMDK, 0, "several files"},
		{"vmdk in flat 2 GiB files", "create -f vmdk -o subformat=twoGbMaxExtentFlat x 1M", VMDK, 0, "several files"},
		{"vmdk with a parent", "create -f vmdk b 1M\ncreate -f vmdk -b b -F vmdk x", VMDK, 0, "parent"},
		{"qed", "create -f qed x 1M", "raw", 0, "its bytes are qed"},
		{"qcow", "create -f qcow x 1M", QCOW2, 0, "qcow version 1"},
	} {
		f := qemuImg(t, strings.Split(c.commands, "\n")...)
		size, err := f.Seek(0, 2)
		if err != nil {
			t.Fatal(err)
		}
		info, err := Check(f, size, c.declared)
		refused, _ := errors.AsType[*Error](err)
		switch {
		case c.size > 0 && (err != nil || info.VirtualSize != c.size || info.Format != c.declared):
			t.Errorf("%s: %+v, %v; want a disk of %d bytes", c.name, info, err, c.size)
		case c.size == 0 && (refused == nil || !strings.Contains(refused.Reason, c.reason)):
			t.Errorf("%s: %+v, %v; want …%s…", c.name, info, err, c.reason)
		}
		for _, lie := range []string{Raw, QCOW2, VMDK, VDI, VHD, VHDX, ISO, Ploop} {
			if _, err := Check(f, size, lie); err == nil && lie != c.declared && !(c.name == "vhd, fixed" && lie == Raw) {
				t.Errorf("%s passes as %s", c.name, lie)
			}
		}
	}
}

// Images that are of two formats at once are of the one that a reader would take
// them for, and nothing else.
func TestPolyglots(t *testing.T) {
	over := func(below []byte, at int, top []byte) []byte {
		b := bytes.Clone(below)
		copy(b[at:], top)
		return b
	}
	iso, raw := isoImage(), make([]byte, disk)
	backed := qcow2Image(3)
	backed[15] = 1
	for name, b := range map[string][]byte{
		"ISO that is a qcow2":                     over(iso, 0, qcow2Image(3)[:0x8000]),
		"ISO that is a qcow2 with a backing file": over(iso, 0, backed[:0x8000]),
		"ISO that is a VMDK":                      over(iso, 0, vmdkImage(vmdkText)[:0x8000]),
		"ISO that is a VMDK's descriptor":         over(iso, 0, []byte(vmdkText)),
		"ISO that is a VDI":                       over(iso, 0, vdiImage()),
		"ISO that is a VHDX":                      over(iso, 0, []byte("vhdxfile")),
		"raw that is a qcow2":                     over(raw, 0, qcow2Image(3)),
		"raw that is a VDI":                       over(raw, 0, vdiImage()),
		"partitioned, that is a qcow2":            over(over(raw, 510, []byte{0x55, 0xaa}), 0, backed[:400]),
		"VHD that is a qcow2":                     over(append(raw, vhdFooter(2, disk)...), 0, qcow2Image(3)),
		"VDI that is a qcow2":                     over(vdiImage(), 0, qcow2Image(3)[:0x40]),
	} {
		for _, declared := range []string{Raw, ISO, VHD, VDI, "ami", "aki"} {
			info, err := check(b, declared)
			if err == nil && info.Format != declared {
				t.Errorf("%s passes as %s", name, declared)
			}
			if declared == Raw && err == nil || declared == ISO && err == nil || strings.HasSuffix(name, "qcow2") && err == nil {
				t.Errorf("%s, declared as %s: %+v", name, declared, info)
			}
		}
	}
	hybrid := over(iso, 510, []byte{0x55, 0xaa}) // as installers are: both a disk and a CD
	if _, err := check(hybrid, ISO); err != nil {
		t.Errorf("an ISO with a partition table: %v", err)
	}
}
