package image

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

// unhex returns bytes that a tool has made and no library here can make.
func unhex(s string) string {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func bzip2Of() string {
	return unhex("425a6839314159265359d2d7d88f0000039180400006680c00200022069a7a10c08dc471e4177245385090d2d7d88f")
}

// xzOf is "the disk" as xz makes it, with a dictionary that a header claims: 28 is
// 64 MiB, 40 is 4 GiB.
func xzOf(dictionary byte) string {
	b := []byte(unhex("fd377a585a000004e6d6b446020021011c00000010cf58cc010007746865206469736b0023a6d1eec07cd6c300012008bb19d9bb1fb6f37d010000000004595a"))
	b[16] = dictionary
	binary.LittleEndian.PutUint32(b[20:], crc32.ChecksumIEEE(b[12:20]))
	return string(b)
}

// zipOf is an archive of n files.
func zipOf(t testing.TB, n int) []byte {
	t.Helper()
	return []byte(zipWith(t, slices.Repeat([]string{"x"}, n)...))
}

// zipWith is an archive of files.
func zipWith(t testing.TB, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for n, text := range files {
		f, err := z.Create(fmt.Sprint(n))
		if err == nil {
			_, err = io.WriteString(f, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstdOf(t testing.TB, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return string(w.EncodeAll([]byte(text), nil))
}

// claimingZip is an archive whose end claims, by the older or the newer of its two
// records, that it has n files.
func claimingZip(t testing.TB, n uint64, newer bool) []byte {
	t.Helper()
	b := zipOf(t, 1)
	end := len(b) - 22
	le := binary.LittleEndian
	if !newer {
		le.PutUint16(b[end+10:], uint16(n))
		return b
	}
	record := make([]byte, 56)
	copy(record, "PK\x06\x06")
	le.PutUint64(record[4:], 44)
	le.PutUint64(record[24:], n)
	le.PutUint64(record[32:], n)
	le.PutUint64(record[40:], uint64(le.Uint32(b[end+12:])))
	le.PutUint64(record[48:], uint64(le.Uint32(b[end+16:])))
	locator := make([]byte, 20)
	copy(locator, "PK\x06\x07")
	le.PutUint64(locator[8:], uint64(end))
	le.PutUint32(locator[16:], 1)
	tail := bytes.Clone(b[end:])
	le.PutUint16(tail[8:], 0xffff)
	le.PutUint16(tail[10:], 0xffff)
	return append(append(append(b[:end:end], record...), locator...), tail...)
}

func gzipOf(t testing.TB, r io.Reader) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.Copy(w, r); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// bombs are small inputs that would take much memory or disk.
func bombs(t testing.TB) map[string]struct{ packed, reason string } {
	return map[string]struct{ packed, reason string }{
		"gzip of 64 MiB":       {gzipOf(t, &endless{64 << 20}), "larger than the limit"},
		"gzip of 64 MiB zeros": {gzipOf(t, io.LimitReader(zeroes{}, 64<<20)), "larger than the limit"},
		"xz of 4 GiB":          {xzOf(40), "cannot be decompressed"},
		"zip of many files":    {string(zipOf(t, 25_000)), "several files"},
		"zip of 65537 files":   {string(zipOf(t, 65_537)), "several files"},
		"zip that claims 2":    {string(claimingZip(t, 2, false)), "several files"},
		"zip that claims 2^40": {string(claimingZip(t, 1<<40, true)), "several files"},
	}
}

func TestBombs(t *testing.T) {
	w := world{t, storetest.NewStore(t, testTables), openContent(t, t.TempDir(), ContentOptions{MaxSize: 16 << 20})}
	w.serveWith(ImportOptions{Decompress: true})
	for name, bomb := range bombs(t) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		i := w.importOf("raw", "bare", bomb.packed)
		runtime.ReadMemStats(&after)
		if i.Status != Queued {
			t.Errorf("%s: the image is %s", name, i.Status)
		}
		for x := range task.Tasks.By(w.s.Snapshot(), "subject", i.ID) {
			if x.Kind == ImportTask && !strings.Contains(x.Message, bomb.reason) {
				t.Errorf("%s: %s, want …%s…", name, x.Message, bomb.reason)
			}
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 24<<20 {
			t.Errorf("%s: %d MiB are allocated", name, used>>20)
		}
		if all := w.everything(); len(all) != 0 {
			t.Errorf("%s leaves %v", name, all)
		}
	}
	if i := w.importOf("raw", "bare", string(claimingZip(t, 1, true))); i.Status != Active || w.read(i) != "x" {
		t.Errorf("a good archive with the newer record: %+v", i)
	}
}

// counting counts what is read.
type counting struct {
	io.Reader
	n int64
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}

// Who streams more than the project has room for is stopped when it is full, not at
// the end.
func TestLimitsStopAStream(t *testing.T) {
	w := limited(t, Limits{SizeTotal: 2, StageTotal: 1, CountTotal: -1, Uploading: -1})
	w.serveWith(ImportOptions{Decompress: true})
	id := w.queued("raw").ID
	for name, take := range map[string]func(io.Reader) error{
		"upload":  func(r io.Reader) error { _, err := w.upload(id, r); return err },
		"staging": func(r io.Reader) error { return w.c.Stage(w.write, ann, id, r) },
	} {
		r := &counting{Reader: &endless{1 << 30}}
		err := take(r)
		wantKind(t, name, err, cloud.Quota, "")
		if r.n > 3<<20 || w.status(id) != Queued {
			t.Errorf("%s of 1 GiB: %d MiB are read, %s", name, r.n>>20, w.status(id))
		}
	}
	i := w.importOf("raw", "bare", gzipOf(t, &endless{64 << 20}))
	for x := range task.Tasks.By(w.s.Snapshot(), "subject", i.ID) {
		if x.Kind == ImportTask && !strings.Contains(x.Message, "image_stage_total is over limit of 1") {
			t.Errorf("%s", x.Message)
		}
	}
	if all := w.everything(); len(all) != 0 || i.Status != Queued {
		t.Errorf("%v is left, %s", all, i.Status)
	}
	if i := w.importOf("raw", "bare", gzipOf(t, &endless{1 << 20})); i.Status != Active { // its compressed bytes make room
		t.Errorf("as much as may be: %+v", i)
	}
}

// FuzzUnpack has compressed bytes damaged: what comes of them is bounded, or an error.
func FuzzUnpack(f *testing.F) {
	for _, p := range packed(f) {
		f.Add([]byte(p))
	}
	for _, b := range []string{xzOf(40), zipWith(f, "a", "b"), string(claimingZip(f, 2, false)), string(claimingZip(f, 1<<40, true))} {
		f.Add([]byte(b))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := openPacked(io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b))))
		if err != nil || r == nil {
			return
		}
		n, _ := io.Copy(io.Discard, io.LimitReader(r, 4<<20))
		if c, ok := r.(io.Closer); ok {
			_ = c.Close()
		}
		if n > 0 && len(b) < 8 {
			t.Fatalf("%d bytes come of %d", n, len(b))
		}
	})
}

// A bomb on a full disk is not lit again and again.
func TestBombOnAFullDisk(t *testing.T) {
	w := world{t, storetest.NewStore(t, testTables), openContent(t, t.TempDir(), ContentOptions{})}
	w.serveWith(ImportOptions{Decompress: true})
	q := w.queued("raw")
	if err := w.c.Stage(w.write, ann, q.ID, strings.NewReader(gzipOf(t, &endless{8 << 20}))); err != nil {
		t.Fatal(err)
	}
	create, tries := w.c.create, 0
	w.c.create = func(dir string) (file, error) {
		tries++
		room := 2
		f, err := create(dir)
		return fullFile{f, &room}, err
	}
	if err := w.start(q.ID, ImportRequest{Method: Direct, AllMustSucceed: true}); err != nil {
		t.Fatal(err)
	}
	w.settled()
	if all := w.everything(); tries != 1 || w.status(q.ID) != Queued || len(all) != 0 {
		t.Errorf("%d tries, %s, %v is left", tries, w.status(q.ID), all)
	}
}
