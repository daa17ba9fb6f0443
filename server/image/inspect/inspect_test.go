package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

// images are one good image of each format with a disk of 8 MiB, by format.
func images() map[string][]byte {
	return map[string][]byte{Raw: bytes.Repeat([]byte("raw "), 512), QCOW2: qcow2Image(3), VMDK: vmdkImage(vmdkText), VDI: vdiImage(), VHD: vhdImage(), VHDX: vhdxImage(), ISO: isoImage(), Ploop: ploopImage()}
}

const disk = 8 << 20

func qcow2Image(version uint32) []byte {
	b := make([]byte, 4<<16)
	copy(b, "QFI\xfb")
	be.PutUint32(b[4:], version)
	be.PutUint32(b[20:], 16)
	be.PutUint64(b[24:], disk)
	be.PutUint32(b[36:], 1)
	be.PutUint64(b[40:], 3<<16)
	be.PutUint64(b[48:], 1<<16)
	be.PutUint32(b[56:], 1)
	if version == 3 {
		be.PutUint32(b[96:], 4)
		be.PutUint32(b[100:], 104)
	}
	return b
}

const vmdkText = "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType=\"monolithicSparse\"\n\n# Extent description\nRW 16384 SPARSE \"disk.vmdk\"\n\nddb.adapterType = \"ide\"\n"

func vmdkImage(text string) []byte {
	b := make([]byte, 64<<10)
	copy(b, "KDMV")
	le.PutUint32(b[4:], 1)
	le.PutUint64(b[12:], disk/sector)
	le.PutUint64(b[20:], 128)
	le.PutUint64(b[28:], 1)
	le.PutUint64(b[36:], 20)
	le.PutUint64(b[56:], 26)
	copy(b[sector:], text)
	return b
}

// vmdkStream is a VMDK whose header leads to a footer.
func vmdkStream() []byte {
	b := vmdkImage(strings.Replace(vmdkText, "monolithicSparse", "streamOptimized", 1))
	footer := bytes.Clone(b[:sector])
	le.PutUint64(b[56:], vmdkAtEnd)
	copy(b[len(b)-2*sector:], footer)
	return b
}

func vdiImage() []byte {
	b := make([]byte, 4096)
	copy(b[0x40:], "\x7f\x10\xda\xbe")
	le.PutUint32(b[0x44:], 0x00010001)
	le.PutUint32(b[0x4c:], 1)
	le.PutUint32(b[0x154:], 512)
	le.PutUint32(b[0x158:], 1024)
	le.PutUint32(b[0x168:], sector)
	le.PutUint64(b[0x170:], disk)
	le.PutUint32(b[0x178:], 1<<20)
	le.PutUint32(b[0x180:], 8)
	return b
}

func vhdFooter(kind uint32, size uint64) []byte {
	f := make([]byte, sector)
	copy(f, "conectix")
	be.PutUint64(f[16:], sector)
	be.PutUint64(f[40:], size)
	be.PutUint64(f[48:], size)
	be.PutUint32(f[60:], kind)
	sum := uint32(0)
	for _, c := range f {
		sum += uint32(c)
	}
	be.PutUint32(f[64:], ^sum)
	return f
}

func vhdImage() []byte {
	f := vhdFooter(3, disk)
	h := make([]byte, 1024)
	copy(h, "cxsparse")
	be.PutUint64(h[16:], sector+1024)
	be.PutUint32(h[28:], 4)
	be.PutUint32(h[32:], 2<<20)
	return join(f, h, make([]byte, sector), f)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func vhdxImage() []byte {
	b := make([]byte, 512<<10)
	copy(b, "vhdxfile")
	r := b[192<<10:]
	copy(r, "regi")
	le.PutUint32(r[8:], 1)
	copy(r[16:], vhdxMetadata)
	le.PutUint64(r[32:], 256<<10)
	m := b[256<<10:]
	copy(m, "metadata")
	le.PutUint16(m[10:], 2)
	for i, guid := range []string{vhdxParameters, vhdxDiskSize} {
		e := m[32+32*i:]
		copy(e, guid)
		le.PutUint32(e[16:], uint32(64<<10+8*i))
		le.PutUint32(e[20:], 8)
	}
	le.PutUint64(m[64<<10+8:], disk)
	return b
}

func ploopImage() []byte {
	b := make([]byte, 4096)
	copy(b, "WithouFreSpacExt")
	le.PutUint32(b[16:], 2)
	le.PutUint32(b[28:], 2048)
	le.PutUint32(b[32:], disk/sector/2048)
	le.PutUint64(b[36:], disk/sector)
	return b
}

func isoImage() []byte {
	b := make([]byte, disk)
	copy(b[0x8001:], "CD001")
	return b
}

func check(b []byte, declared string) (Info, error) {
	return Check(bytes.NewReader(b), int64(len(b)), declared)
}

func TestGoodImages(t *testing.T) {
	for format, b := range images() {
		want := Info{format, disk}
		if format == Raw {
			want.VirtualSize = int64(len(b))
		}
		if got, err := check(b, format); err != nil || got != want {
			t.Errorf("%s: %+v, %v", format, got, err)
		}
		for declared := range images() {
			if _, err := check(b, declared); declared != format && err == nil {
				t.Errorf("%s passes as %s", format, declared)
			}
		}
	}
	for name, c := range map[string]struct {
		b        []byte
		declared string
		size     int64
	}{
		"qcow2 of version 2": {qcow2Image(2), QCOW2, disk},
		"stream":             {vmdkStream(), VMDK, disk},
		"fixed VHD":          {join(make([]byte, disk), vhdFooter(2, disk)), VHD, disk},
		"partitioned":        {append(make([]byte, 510), 0x55, 0xaa), Raw, 512},
		"kernel":             {[]byte("kernel"), "aki", 6},
		"nothing":            {nil, Raw, 0},
	} {
		if got, err := check(c.b, c.declared); err != nil || got.VirtualSize != c.size {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestRefused changes one thing of a good image, which must then be refused.
func TestRefused(t *testing.T) {
	put := func(b []byte, offset int, v ...byte) []byte { copy(b[offset:], v); return b }
	text := func(old, new string) []byte { return vmdkImage(strings.Replace(vmdkText, old, new, 1)) }
	twice := vhdxImage()
	copy(twice[256<<10+64:], vhdxParameters)
	for _, c := range []struct {
		name, declared, reason string
		b                      []byte
	}{
		{"qcow2 as raw", Raw, "its bytes are qcow2", qcow2Image(3)},
		{"random as qcow2", QCOW2, "its bytes are raw", []byte("random bytes")},
		{"nothing as qcow2", QCOW2, "its bytes are raw", nil},
		{"qcow", QCOW2, "qcow version 1", put(qcow2Image(3), 7, 1)},
		{"backing file", QCOW2, "backing file", put(qcow2Image(3), 14, 1)},
		{"backing file, version 2", QCOW2, "backing file", put(qcow2Image(2), 14, 1)},
		{"external data", QCOW2, "data in another file", put(qcow2Image(3), 79, 4)},
		{"corrupt", QCOW2, "corrupt", put(qcow2Image(3), 79, 2)},
		{"unknown feature", QCOW2, "not supported (bits 0x80)", put(qcow2Image(3), 79, 0x80)},
		{"encrypted", QCOW2, "encrypted", put(qcow2Image(3), 35, 1)},
		{"cluster bits", QCOW2, "2^40", put(qcow2Image(3), 23, 40)},
		{"exabytes", QCOW2, "claims to hold a disk of", put(qcow2Image(3), 24, 0x10)},
		{"no disk", QCOW2, "disk of 0 bytes", put(qcow2Image(3), 24, make([]byte, 8)...)},
		{"small table", QCOW2, "tables are too small", put(qcow2Image(3), 27, 1)},
		{"cut qcow2", QCOW2, "cut short", qcow2Image(3)[:1<<16]},
		{"header only", QCOW2, "cut short", qcow2Image(3)[:80]},
		{"long header", QCOW2, "header would have", put(qcow2Image(3), 100, 0xff)},
		{"descriptor", VMDK, "several files", []byte(vmdkText)},
		{"descriptor as raw", Raw, "its bytes are vmdk", []byte(vmdkText)},
		{"flat extent", VMDK, "several files", text("SPARSE \"disk.vmdk\"", "FLAT \"disk.vmdk\" 0")},
		{"absolute extent", VMDK, "by its path", text("disk.vmdk", "/etc/passwd")},
		{"hidden extent", VMDK, "several files", text("SPARSE \"disk.vmdk\"", "FLAT = \"x\"")},
		{"two extents", VMDK, "several files", text("\n\nddb", "\nRW 1 SPARSE \"b\"\nddb")},
		{"flat kind", VMDK, "monolithicFlat", text("monolithicSparse", "monolithicFlat")},
		{"parent", VMDK, "has a parent", text("ffffffff", "12345678")},
		{"parent hint", VMDK, "parent file", text("CID=12345678", "parentFileNameHint=\"/etc/passwd\"")},
		{"no capacity", VMDK, "0 sectors", put(vmdkImage(vmdkText), 12, make([]byte, 8)...)},
		{"other footer", VMDK, "differ", func() []byte { b := vmdkStream(); b[len(b)-2*sector+28] = 9; return b }()},
		{"no footer", VMDK, "footer", vmdkStream()[:32<<10]},
		{"VDI of version 2", VDI, "version 2.1", put(vdiImage(), 0x46, 2)},
		{"differencing VDI", VDI, "depends on another", put(vdiImage(), 0x4c, 4)},
		{"VDI with parent", VDI, "parent", put(vdiImage(), 0x1b8, 1)},
		{"small VDI table", VDI, "too small", put(vdiImage(), 0x180, 7)},
		{"VHD without footer", VHD, "no footer", vhdImage()[:1536]},
		{"VHD with wrong sum", VHD, "sum", put(vhdImage(), len(vhdImage())-1, 1)},
		{"differencing VHD", VHD, "parent file", join(vhdImage()[:2048], vhdFooter(4, disk))},
		{"cut fixed VHD", VHD, "cut short", join(make([]byte, 1024), vhdFooter(2, disk))},
		{"VHDX with parent", VHDX, "parent file", put(vhdxImage(), 256<<10+64<<10+4, vhdxHasParent)},
		{"ambiguous VHDX", VHDX, "twice", twice},
		{"QED", Raw, "its bytes are qed", []byte("QED\x00 and more")},
		{"ploop", "ploop", "its bytes are raw", []byte("ploop")},
		{"Parallels of version 3", Ploop, "version 3", put(ploopImage(), 16, 3)},
		{"small Parallels table", Ploop, "too small", put(ploopImage(), 32, 7)},
		{"cut Parallels table", Ploop, "cut short", put(ploopImage(), 34, 1)},
		{"absurd Parallels disk", Ploop, "claims to hold", put(ploopImage(), 43, 1)},
	} {
		_, err := check(c.b, c.declared)
		e, ok := errors.AsType[*Error](err)
		if !ok || !strings.Contains(e.Reason, c.reason) {
			t.Errorf("%s: got %v, want …%s…", c.name, err, c.reason)
		}
	}
}

func TestEveryTruncationIsRefusedOrWhole(t *testing.T) {
	for format, b := range images() {
		if format == Raw || format == ISO {
			continue
		}
		for n := 0; n < len(b); n += 1 + n/50 {
			if _, err := check(b[:n], format); err != nil {
				if _, ok := errors.AsType[*Error](err); !ok {
					t.Fatalf("%s cut to %d: %v is not a refusal", format, n, err)
				}
			}
		}
	}
}

type failing struct{ err error }

func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }

func TestReadErrorsAreNotRefusals(t *testing.T) {
	broken := errors.New("broken disk")
	if _, err := Check(failing{broken}, 100, Raw); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func FuzzCheck(f *testing.F) {
	for format, b := range images() {
		f.Add(b[:min(len(b), 300<<10)], format)
	}
	f.Add(vmdkStream(), VMDK)
	f.Add(qcow2Image(2), QCOW2)
	f.Add(join(make([]byte, 512), vhdFooter(2, 512)), VHD)
	f.Fuzz(func(t *testing.T, b []byte, declared string) {
		info, err := check(b, declared)
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("%v is not a refusal", err)
			}
			return
		}
		if info.Format != declared && !(info.Format == Raw && bare(declared)) {
			t.Fatalf("declared %s, told %s", declared, info.Format)
		}
		if info.VirtualSize < 0 || info.VirtualSize > MaxVirtualSize || info.VirtualSize == 0 && len(b) > 0 {
			t.Fatalf("virtual size %d", info.VirtualSize)
		}
		if info.Format == QCOW2 && (be.Uint64(b[8:]) != 0 || be.Uint32(b[4:]) > 2 && b[79]&qcow2ExternalData != 0) {
			t.Fatal("names another file")
		}
	})
}

// TestBounded proves that absurd claims of a header cost nothing.
func TestBounded(t *testing.T) {
	b := vhdxImage()
	le.PutUint32(b[192<<10+8:], math.MaxUint32)
	le.PutUint16(b[256<<10+10:], math.MaxUint16)
	q := qcow2Image(3)
	be.PutUint32(q[36:], math.MaxUint32)
	be.PutUint32(q[56:], math.MaxUint32)
	for format, b := range map[string][]byte{VHDX: b, QCOW2: q} {
		if n := testing.AllocsPerRun(5, func() { _, _ = check(b, format) }); n > 50 {
			t.Errorf("%s: %v allocations", format, n)
		}
	}
	if got := fmt.Sprint(Format(nil)); got != Raw {
		t.Error(got)
	}
}
