package image

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

// reverser is a converter that only copies, and fails for what says so.
type reverser struct{}

func (reverser) Convert(_ context.Context, from, fromFormat, to, toFormat string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if strings.Contains(string(b), "unconvertible") {
		return cloud.Errorf(cloud.Invalid, "image", "It cannot be converted.")
	}
	return os.WriteFile(to, []byte(fromFormat+"→"+toFormat+":"+string(b)), 0o600)
}

func (w world) serveWith(o ImportOptions) {
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		_ = task.New(task.Options{Store: w.s, Log: slog.New(slog.DiscardHandler), Kinds: w.c.Kinds(o)}).Serve(ctx)
	})
	w.t.Cleanup(func() { cancel(); work.Wait() })
}

func (w world) importOf(format, container, text string) Image {
	w.t.Helper()
	q := w.queued(format)
	if container != "bare" {
		if _, err := get(w, func(tx *statestore.Txn) (Image, error) {
			return ImageUpdate(tx, ann, q.ID, ImageChange{ContainerFormat: &container})
		}); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := w.c.Stage(w.write, ann, q.ID, strings.NewReader(text)); err != nil {
		w.t.Fatal(err)
	}
	if err := w.start(q.ID, ImportRequest{Method: Direct, AllMustSucceed: true}); err != nil {
		w.t.Fatal(err)
	}
	w.settled()
	i, _ := Images.Get(w.s.Snapshot(), q.ID)
	return i
}

func (w world) read(i Image) string {
	w.t.Helper()
	f, size, err := w.c.Open(w.t.Context(), i.SHA256)
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, size)
	if _, err := f.Read(b); err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

func packed(t testing.TB) map[string]string {
	const disk = "the disk"
	return map[string]string{"gzip": gzipOf(t, strings.NewReader(disk)), "zip": zipWith(t, disk), "zstd": zstdOf(t, disk), "xz": xzOf(28), "bzip2": bzip2Of()}
}

func TestDecompression(t *testing.T) {
	w := world{t, storetest.NewStore(t, testTables), openTwo(t, t.TempDir())}
	w.serveWith(ImportOptions{Decompress: true})
	for name, text := range packed(t) {
		if i := w.importOf("raw", "bare", text); i.Status != Active || w.read(i) != "the disk" {
			t.Errorf("%s: %+v", name, i)
		}
		if i := w.importOf("raw", "compressed", text); i.Status != Active || w.read(i) != text {
			t.Errorf("%s stays compressed: %+v", name, i)
		}
		if i := w.importOf("raw", "bare", text[:len(text)-5]); i.Status != Queued || i.Staged != "" {
			t.Errorf("%s cut short: %+v", name, i)
		}
	}
	if i := w.importOf("raw", "bare", "plain"); i.Status != Active || w.read(i) != "plain" {
		t.Errorf("%+v", i)
	}
	for _, f := range w.everything() {
		if f == "staged" {
			t.Error("something stays staged")
		}
	}
}

func TestConversion(t *testing.T) {
	w := world{t, storetest.NewStore(t, testTables), openTwo(t, t.TempDir())}
	w.serveWith(ImportOptions{Format: "ploop", Converter: reverser{}})
	if i := w.importOf("raw", "bare", "disk"); i.Status != Queued || i.DiskFormat != "raw" || i.ConvertedFrom != "" {
		t.Errorf("what a conversion made is checked: %+v", i)
	}
	if i := w.importOf("raw", "bare", "unconvertible"); i.Status != Queued || i.DiskFormat != "raw" || i.Staged != "" {
		t.Errorf("%+v", i)
	}
	if i := w.importOf("iso", "bare", strings.Repeat("\x00", 0x8001)+"CD001"+strings.Repeat("\x00", 4096)); i.Status != Active || i.DiskFormat != "iso" {
		t.Errorf("an iso is not converted: %+v", i)
	}
	if all := w.everything(); len(all) != 1 {
		t.Errorf("%v is left", all)
	}
}
