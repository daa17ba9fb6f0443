package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image/blob"
)

// Blob is bytes with their name.
type Blob struct {
	Name  string
	Bytes []byte
}

// New makes a blob of random bytes from a seed.
func New(size int, seed uint64) Blob {
	var s [32]byte
	s[0], s[1] = byte(seed), byte(seed>>8)
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(s).Read(b)
	sum := sha256.Sum256(b)
	return Blob{hex.EncodeToString(sum[:]), b}
}

// File is a file of its bytes, in a directory.
func (b Blob) File(t testing.TB, dir string) string {
	t.Helper()
	f, err := os.CreateTemp(dir, "upload-")
	if err == nil {
		_, err = f.Write(b.Bytes)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// Names are those of all blobs of a store, sorted.
func Names(t testing.TB, s blob.Store) (names []string) {
	t.Helper()
	for name, err := range s.Names(context.WithoutCancel(t.Context())) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Holds reports why a store does not hold a blob whole; nil if it does.
func Holds(ctx context.Context, s blob.Store, b Blob) error {
	f, size, err := s.Open(ctx, b.Name)
	if err != nil {
		return err
	}
	defer f.Close()
	got, err := io.ReadAll(f)
	if err != nil || size != int64(len(b.Bytes)) || !bytes.Equal(got, b.Bytes) {
		return fmt.Errorf("%d bytes come back, %d are told and %d were put, %w", len(got), size, len(b.Bytes), err)
	}
	return nil
}

// Run holds a store, which is empty, to the contract. Files for it are made in dir.
func Run(t *testing.T, s blob.Store, dir string) {
	ctx := t.Context()
	t.Run("life", func(t *testing.T) { life(t, s, dir) })
	t.Run("seek", func(t *testing.T) { seek(t, s, dir) })
	t.Run("at once", func(t *testing.T) { atOnce(t, s, dir) })
	t.Run("many names", func(t *testing.T) {
		want := []string{}
		for n := range 40 {
			b := New(n, uint64(n)+1000)
			want = append(want, b.Name)
			if err := s.Put(ctx, b.Name, b.File(t, dir)); err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(want)
		if got := Names(t, s); !slices.Equal(got, want) {
			t.Errorf("%d names, want %d", len(got), len(want))
		}
		for _, err := range s.Names(ctx) { // which may end early
			if err != nil {
				t.Error(err)
			}
			break
		}
		for _, name := range want {
			if err := s.Remove(ctx, name); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("ended", func(t *testing.T) {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		b := New(100, 1)
		file := b.File(t, dir)
		if err := s.Put(ended, b.Name, file); err != nil && len(Names(t, s)) != 0 {
			t.Errorf("a Put that failed left a blob: %v", err)
		}
		gone(t, file)
		if err := s.Remove(ctx, b.Name); err != nil {
			t.Fatal(err)
		}
	})
	if left := Names(t, s); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func gone(t *testing.T, file string) {
	t.Helper()
	if _, err := os.Lstat(file); !os.IsNotExist(err) {
		t.Errorf("the file %s is still there: %v", filepath.Base(file), err)
	}
}

// life puts, replaces and removes blobs of several sizes, also such as are sent in
// parts.
func life(t *testing.T, s blob.Store, dir string) {
	ctx := t.Context()
	for _, size := range []int{0, 1, 100_000, 16 << 20, 16<<20 + 1, 40<<20 + 7} {
		b := New(size, uint64(size))
		for range 2 { // the second replaces the first
			file := b.File(t, dir)
			if err := s.Put(ctx, b.Name, file); err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			gone(t, file)
			if err := Holds(ctx, s, b); err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
		}
		if got := Names(t, s); !slices.Equal(got, []string{b.Name}) {
			t.Errorf("%d bytes: names %v", size, got)
		}
		if err := s.Tidy(ctx); err != nil {
			t.Error(err)
		}
		if err := Holds(ctx, s, b); err != nil {
			t.Errorf("%d bytes, after Tidy: %v", size, err)
		}
		for range 2 { // the second finds nothing to do
			if err := s.Remove(ctx, b.Name); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := s.Open(ctx, b.Name); !cloud.Is(err, cloud.NotFound) {
			t.Errorf("what was removed: %v", err)
		}
	}
	if err := s.Put(ctx, strings.Repeat("a", 64), filepath.Join(dir, "none")); err == nil {
		t.Error("a file that is not there can be put")
	}
}

// seek reads from everywhere.
func seek(t *testing.T, s blob.Store, dir string) {
	ctx := t.Context()
	b := New(300_000, 5)
	if err := s.Put(ctx, b.Name, b.File(t, dir)); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Remove(ctx, b.Name); err != nil {
			t.Error(err)
		}
	}()
	f, size, err := s.Open(ctx, b.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, at := range []int64{0, 299_999, 300_000, 1, 150_000} {
		if got, err := f.Seek(at, io.SeekStart); err != nil || got != at {
			t.Fatal(got, err)
		}
		part := make([]byte, min(1000, size-at))
		if _, err := io.ReadFull(f, part); err != nil || !bytes.Equal(part, b.Bytes[at:at+int64(len(part))]) {
			t.Errorf("from %d other bytes come, %v", at, err)
		}
	}
	if at, err := f.Seek(-10, io.SeekEnd); err != nil || at != size-10 {
		t.Error(at, err)
	}
	if at, err := f.Seek(5, io.SeekCurrent); err != nil || at != size-5 {
		t.Error(at, err)
	}
	if n, err := f.Read(make([]byte, 100)); n != 5 {
		t.Error(n, err)
	}
	if n, err := f.Read(make([]byte, 100)); n != 0 || err != io.EOF {
		t.Error(n, err)
	}
	if _, err := f.Seek(-1, io.SeekStart); err == nil {
		t.Error("one can seek to before the start")
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(f, b.Bytes); err != nil {
		t.Error(err)
	}
}

// atOnce lets blobs come and go at once, while others tidy.
func atOnce(t *testing.T, s blob.Store, dir string) {
	ctx := t.Context()
	var work sync.WaitGroup
	for n := range 4 {
		work.Go(func() {
			b := New(17<<20, uint64(n)+50)
			for range 2 {
				if err := s.Put(ctx, b.Name, b.File(t, dir)); err != nil {
					t.Error(err)
					return
				}
				if err := s.Tidy(ctx); err != nil {
					t.Error(err)
				}
				if err := Holds(ctx, s, b); err != nil {
					t.Error(err)
				}
				if err := s.Remove(ctx, b.Name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
}
