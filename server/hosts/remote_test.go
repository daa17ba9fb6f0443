package hosts

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/server/image/blob/blobtest"
	"github.com/cloudlet/cloudlet/server/image/blob/s3"
)

// A host fetches an image that lies in object storage, goes on with one that was cut
// off, and is told to wait, not that there is none, while the storage is away.
func TestFetchImageFromObjectStorage(t *testing.T) {
	storage, w := blobtest.Start(t), newWorld(t)
	c, err := s3.Parse(storage.Address("p"))
	if err != nil {
		t.Fatal(err)
	}
	far, err := s3.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	content, err := image.OpenContent(filepath.Join(t.TempDir(), "images"), image.ContentOptions{More: []image.Store{{ID: "far", Blobs: far}}})
	if err != nil {
		t.Fatal(err)
	}
	w.server.Images = content
	b := blobtest.New(3<<20, 1)
	if err := far.Put(t.Context(), b.Name, b.File(t, t.TempDir())); err != nil {
		t.Fatal(err)
	}
	fetch := func(offset int64) ([]byte, error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stream, err := w.dial().FetchImage(ctx, &hostapi.FetchImageRequest{Sha256: b.Name, Offset: offset})
		var got []byte
		for err == nil {
			var m *hostapi.ImageChunk
			if m, err = stream.Recv(); err == nil {
				got = append(got, m.Data...)
			}
		}
		if err == io.EOF {
			err = nil
		}
		return got, err
	}
	got, err := fetch(0)
	if err != nil || !bytes.Equal(got, b.Bytes) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	storage.Cut(-1, 1<<20, false)
	got, err = fetch(0)
	if status.Code(err) != codes.Unavailable || len(got) == 0 || !bytes.HasPrefix(b.Bytes, got) {
		t.Errorf("cut off: %d bytes, %v", len(got), err)
	}
	storage.Cut(-1, -1, false)
	if rest, err := fetch(int64(len(got))); err != nil || !bytes.Equal(append(got, rest...), b.Bytes) {
		t.Errorf("the rest: %d bytes, %v", len(rest), err)
	}
	storage.Away(true)
	if _, err := fetch(0); status.Code(err) != codes.Unavailable {
		t.Errorf("while it is away: %v", err)
	}
}
