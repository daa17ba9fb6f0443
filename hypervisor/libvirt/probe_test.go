//go:build cgo

package libvirt

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cloudlet/cloudlet/hypervisor/testbed"
)

// The program of the proof is run where a guest is known to run: emulated.
func TestProbeProgram(t *testing.T) {
	t.Parallel()
	h := testbed.Start(t, testbed.Options{Hosts: 1}).Hosts[0]
	d, err := New(Options{URI: h.URI(), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	l, err := d.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.users.Done()
	for name, c := range map[string]struct {
		program []byte
		works   bool
	}{
		"the program":    {probeProgram, true},
		"one that hangs": {append([]byte{0xeb, 0xfe}, probeProgram[2:]...), false},
	} {
		disk := filepath.Join(t.TempDir(), "disk")
		if err := os.WriteFile(disk, c.program, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(disk, probeSize); err != nil {
			t.Fatal(err)
		}
		x := probeDomain(disk)
		x.Type, x.CPU = virtQEMU, cpuOf(virtQEMU, archX86)
		if err := runProbe(l, x); (err == nil) != c.works {
			t.Errorf("%s: %v", name, err)
		}
	}
}
