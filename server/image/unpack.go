package image

import (
	"archive/zip"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/task"
)

// zstdWindow bounds the memory that a Zstandard stream makes us use, in bytes.
const zstdWindow = 128 << 20

// packings tell compressed bytes by how they start.
var packings = []struct {
	magic string
	open  func(f *os.File, size int64) (io.Reader, error)
}{
	{"\x1f\x8b\x08", func(f *os.File, _ int64) (io.Reader, error) { return gzip.NewReader(f) }},
	{"BZh", func(f *os.File, _ int64) (io.Reader, error) { return bzip2.NewReader(f), nil }},
	{"\x28\xb5\x2f\xfd", func(f *os.File, _ int64) (io.Reader, error) {
		r, err := zstd.NewReader(f, zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return r.IOReadCloser(), nil
	}},
	{"PK\x03\x04", openZip},
}

// openZip opens the one file of an archive.
func openZip(f *os.File, size int64) (io.Reader, error) {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return nil, err
	}
	if len(z.File) != 1 {
		return nil, cloud.Errorf(cloud.Invalid, "image", "The archive holds %d files; it must hold the image and nothing else.", len(z.File))
	}
	return z.File[0].Open()
}

// openPacked returns what is within compressed bytes; nil if they are not.
func openPacked(f *os.File) (io.Reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	head := make([]byte, 8)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	for _, p := range packings {
		if bytes.HasPrefix(head[:n], []byte(p.magic)) {
			return p.open(f, info.Size())
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
	from, err := openPacked(f)
	if err != nil {
		return task.Fail(damaged(i, err)), nil
	}
	if from == nil {
		return task.Next(stepCheck), nil
	}
	if c, ok := from.(io.Closer); ok {
		defer c.Close()
	}
	size, err := m.keep(&meter{from, ctx, r, -1, 0}, name)
	if err != nil {
		if full(err) || ctx.Err() != nil {
			_, told := explain("ImageImport", i.ID, err)
			return task.Outcome{}, told
		}
		return task.Fail(damaged(i, err)), nil
	}
	return m.restage(ctx, r, i, stepCheck, name, size, func(i Image) Image { return i })
}

// damaged says that compressed bytes are not whole, unless err says something better.
func damaged(i Image, err error) error {
	if e := cloud.AsError(err); e.Kind == cloud.TooLarge || e.Resource == "image" && e.Err == nil {
		return e
	}
	return cloud.Errorf(cloud.Invalid, "image", "The bytes of image %s cannot be decompressed: they are damaged.", i.ID).Because(err)
}
