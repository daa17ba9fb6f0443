package image

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// Uploads end while there is still room for the state.
func TestRoomIsSpared(t *testing.T) {
	w := newWorld(t)
	f, err := spare(os.CreateTemp(t.TempDir(), ""))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if free, size, err := freeOf(f.(sparing).File); err != nil || free <= 0 || size < free {
		t.Errorf("%d of %d bytes are free, %v", free, size, err)
	}
	data := bytes.Repeat([]byte("disk"), 2*block/4)
	for name, c := range map[string]struct {
		size, free int64
		fits       bool
	}{
		"just enough":                  {1 << 40, spared + 2*block, true},
		"a byte less":                  {1 << 40, spared + 2*block - 1, false},
		"a small disk, just enough":    {16 << 20, 1<<20 + 2*block, true},
		"a small disk, a byte less":    {16 << 20, 1<<20 + 2*block - 1, false},
		"nothing but what is spared":   {1 << 40, spared, false},
		"more is used than was spared": {1 << 40, 0, false},
	} {
		left := c.free
		w.c.create = func(dir string) (file, error) {
			f, err := os.CreateTemp(dir, "upload-")
			return sparing{f, func(*os.File) (int64, int64, error) { left -= block; return left + block, c.size, nil }}, err
		}
		q := w.queued("raw")
		_, err := w.upload(q.ID, bytes.NewReader(data))
		if c.fits != (err == nil) || !c.fits && (!cloud.Is(err, cloud.TooLarge) || !strings.Contains(cloud.AsError(err).Msg, "full") || w.status(q.ID) != Queued) {
			t.Errorf("%s: %v, %s", name, err, w.status(q.ID))
		}
	}
}
