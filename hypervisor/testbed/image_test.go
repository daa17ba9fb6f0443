package testbed

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

func TestArchiveIsReadByCpio(t *testing.T) {
	if _, err := exec.LookPath("busybox"); err != nil {
		t.Skip("SKIPPED: no busybox to read the archive with")
	}
	var a archive
	a.file("sbin/odd", 0o755, []byte("12345"))
	a.file("sbin/odd", 0o755, []byte("a second of the name"))
	a.symlink("bin/link", "../sbin/odd")
	cmd := exec.Command("busybox", "cpio", "-t", "-v")
	cmd.Stdin = bytes.NewReader(a.bytes())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var names []string
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) > 5 {
			names = append(names, f[0]+" "+strings.Join(f[5:], " "))
		}
	}
	want := "drwxr-xr-x sbin|-rwxr-xr-x sbin/odd|drwxr-xr-x bin|lrwxrwxrwx bin/link -> ../sbin/odd"
	if got := strings.Join(names, "|"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNumbersOrderVersions(t *testing.T) {
	a, b := numbers("/boot/vmlinuz-6.1.0-9-cloud-amd64"), numbers("/boot/vmlinuz-6.1.0-10-cloud-amd64")
	if len(a) != 5 || a[3] != 9 || b[3] != 10 {
		t.Errorf("numbers: %v, %v", a, b)
	}
}

func TestPartitionTable(t *testing.T) {
	b := partitionTable(bytes.Repeat([]byte{0x90}, 600), 0x01020304)
	if len(b) != 512 || b[510] != 0x55 || b[511] != 0xaa || b[439] != 0x90 || b[446] != 0x80 {
		t.Errorf("no boot sector: % x", b)
	}
	if !bytes.Equal(b[454:462], []byte{0, 8, 0, 0, 4, 3, 2, 1}) {
		t.Errorf("partition's place: % x", b[454:462])
	}
}
