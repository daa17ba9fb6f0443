package image

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/task"
)

// Bounds on the memory that a stream makes us use, in bytes: what the tools use at
// their highest ordinary levels.
const (
	zstdWindow   = 128 << 20
	xzDictionary = 64 << 20
)

// packings tell compressed bytes by how they start.
var packings = []struct {
	magic string
	open  func(f *io.SectionReader) (io.Reader, error)
}{
	{"\x1f\x8b\x08", func(f *io.SectionReader) (io.Reader, error) { return gzip.NewReader(f) }},
	{"BZh", func(f *io.SectionReader) (io.Reader, error) { return bzip2.NewReader(f), nil }},
	{"\x28\xb5\x2f\xfd", func(f *io.SectionReader) (io.Reader, error) {
		r, err := zstd.NewReader(f, zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return r.IOReadCloser(), nil
	}},
	{"\xfd7zXZ\x00", func(f *io.SectionReader) (io.Reader, error) { return xz.NewReader(f, xzDictionary) }},
	{"PK\x03\x04", openZip},
}

// openPacked returns what is within compressed bytes; nil if they are not.
func openPacked(f *io.SectionReader) (io.Reader, error) {
	head := make([]byte, 8)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	for _, p := range packings {
		if bytes.HasPrefix(head[:n], []byte(p.magic)) {
			return p.open(f)
		}
	}
	return nil, nil
}

// unpack decompresses what is staged, once, if that is wanted and it is
// compressed. An image whose container is said to be compressed stays so.
func (m importer) unpack(ctx context.Context, r *task.Run) (task.Outcome, error) {
	_, i, err := m.begin(r)
	if err != nil || i.ID == "" {
		return task.Fail(errGone), nil
	}
	name := r.ID + ".unpacked"
	if !m.o.Decompress || i.ContainerFormat == "compressed" || i.Signed() || i.Staged == name {
		return task.Next(stepCheck), nil
	}
	f, err := os.Open(m.staged(i.Staged))
	if err != nil {
		return task.Fail(cloud.Errorf(cloud.Invalid, "image", "The staged bytes of image %s are gone.", i.ID).Because(err)), nil
	}
	defer f.Close()
	from, err := openPacked(io.NewSectionReader(f, 0, i.StagedSize))
	if err != nil {
		return task.Fail(damaged(i, err)), nil
	}
	if from == nil {
		return task.Next(stepCheck), nil
	}
	if c, ok := from.(io.Closer); ok {
		defer c.Close()
	}
	left := m.room(r.Store.Snapshot(), "ImageImport", i.ProjectID, true, i.StagedSize)
	size, err := m.keep(left.cap(&meter{from, ctx, r, -1, 0}), name)
	if _, told := explain("ImageImport", i.ID, err); full(err) {
		return task.Fail(told), nil // again and again it would take all room there is
	} else if broken(err) || ctx.Err() != nil {
		return task.Outcome{}, told
	} else if err != nil {
		return task.Fail(damaged(i, err)), nil
	}
	return m.restage(ctx, r, i, stepCheck, name, size, func(i Image) Image { return i })
}

// damaged says that compressed bytes are not whole, unless err says something better.
func damaged(i Image, err error) error {
	if e := cloud.AsError(err); e.Kind == cloud.TooLarge || e.Kind == cloud.Quota || e.Resource == "image" && e.Err == nil {
		return e
	}
	return cloud.Errorf(cloud.Invalid, "image", "The bytes of image %s cannot be decompressed: they are damaged.", i.ID).Because(err)
}
