package image

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

// qcow2With is a good image of QCOW2, version 3, with one change of its header.
func qcow2With(at int, b ...byte) string {
	be := binary.BigEndian
	x := make([]byte, 4<<16)
	copy(x, "QFI\xfb")
	for _, f := range []struct {
		at int
		v  uint32
	}{{4, 3}, {20, 16}, {28, 8 << 20}, {36, 1}, {44, 3 << 16}, {52, 1 << 16}, {56, 1}, {96, 4}, {100, 104}} {
		be.PutUint32(x[f.at:], f.v)
	}
	copy(x[at:], b)
	return string(x)
}

// hostile are images that would have a host open other files, or make it work or keep
// without end, by their disk formats.
func hostile() map[string]struct{ format, text string } {
	backed := qcow2With(14, 1)
	iso := func(head string) string {
		return (head + strings.Repeat("\x00", 0x8001))[:0x8001] + "CD001" + strings.Repeat("\x00", 4096)
	}
	vmdk := "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType=\"monolithicFlat\"\nRW 16384 FLAT \"/etc/shadow\" 0\n"
	return map[string]struct{ format, text string }{
		"qcow2 with a backing file":        {"qcow2", backed},
		"qcow2 with a backing file as raw": {"raw", backed},
		"qcow2 with a data file":           {"qcow2", qcow2With(79, 4)},
		"qcow2 of exbibytes":               {"qcow2", qcow2With(24, 0x10)},
		"qcow2 with huge tables":           {"qcow2", qcow2With(36, 0xff, 0xff, 0xff, 0xff)},
		"cut qcow2":                        {"qcow2", qcow2With(0)[:100]},
		"qcow2 as raw":                     {"raw", qcow2With(0)},
		"qcow2 as aki":                     {"aki", qcow2With(0)},
		"VMDK that names a path":           {"vmdk", vmdk},
		"VMDK that names a path as raw":    {"raw", vmdk},
		"ISO that is a qcow2":              {"iso", iso(backed[:400])},
		"ISO that names a path":            {"iso", iso(vmdk)},
		"VHD that is a qcow2":              {"vhd", backed},
		"VHD without a footer":             {"vhd", strings.Repeat("x", 4096)},
	}
}

// TestHostileImages brings each by an upload, by an import, and by an import packed in
// every way: it is refused, and nothing of it is kept.
func TestHostileImages(t *testing.T) {
	w := world{t, storetest.NewStore(t, testTables), openTwo(t, t.TempDir())}
	w.serveWith(ImportOptions{Decompress: true, Format: "raw", Converter: reverser{}})
	if i := w.importOf("qcow2", "bare", qcow2With(0)); i.Status != Active {
		t.Fatalf("the good one: %+v", i)
	}
	kept := w.everything()
	for name, h := range hostile() {
		q := w.queued(h.format)
		if _, err := w.upload(q.ID, strings.NewReader(h.text)); !cloud.Is(err, cloud.Invalid) || w.status(q.ID) != Killed {
			t.Errorf("%s, uploaded: %v, %s", name, err, w.status(q.ID))
		}
		for how, text := range map[string]string{"plain": h.text, "in gzip": gzipOf(t, strings.NewReader(h.text)), "in a zip": zipWith(t, h.text), "in zstd": zstdOf(t, h.text)} {
			i := w.importOf(h.format, "bare", text)
			if i.Status != Queued || i.HasData() || i.Staged != "" {
				t.Errorf("%s, imported %s: %+v", name, how, i)
			}
			for x := range task.Tasks.By(w.s.Snapshot(), "subject", i.ID) {
				if x.Kind == ImportTask && (x.State != task.Failure || !strings.Contains(x.Message, "is refused")) {
					t.Errorf("%s, imported %s: %s, %s", name, how, x.State, x.Message)
				}
			}
		}
		if all := w.everything(); !slices.Equal(all, kept) {
			t.Fatalf("%s leaves %v", name, all)
		}
	}
}
