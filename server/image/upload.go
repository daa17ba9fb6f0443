package image

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image/inspect"
	"github.com/cloudlet/cloudlet/server/image/signature"
	"github.com/cloudlet/cloudlet/statestore"
)

// Upload fills a queued image with the bytes of r and makes it active. It blocks
// as long as r does and uses the same little memory for any size.
//
//	saving (durable) ─▶ bytes into incoming, sums in passing ─▶ inspected ─▶
//	fsync ─▶ put into the store under the SHA-256 (durable) ─▶ active (durable)
//
// Whatever fails, the bytes are gone and the image is queued again, or killed if
// its bytes are refused. A process that dies leaves that to Sweep. The context
// bounds what is sent to a remote store; r ends by itself.
//
// Error kinds: NotFound, also if the image was deleted meanwhile; Conflict if it
// is not queued; Invalid for an image without formats, for bytes that end early
// and for those that are refused; TooLarge also for a full disk; Unavailable for a
// store that is away or cannot be written to.
func (c *Content) Upload(ctx context.Context, w Write, caller cloud.Caller, id string, r io.Reader) (Image, error) {
	return c.UploadTo(ctx, w, caller, id, "", r)
}

// UploadTo is Upload to a store; "" means the default one. Error kinds: Invalid
// also for a store that there is not.
func (c *Content) UploadTo(ctx context.Context, w Write, caller cloud.Caller, id, store string, r io.Reader) (Image, error) {
	const op = "ImageUpload"
	to, err := c.shelf(store)
	if err != nil {
		return Image{}, err
	}
	var img Image
	var sealed *seal
	var left room
	err = w(func(tx *statestore.Txn) (err error) {
		if img, err = uploadBegin(tx, caller, id); err != nil {
			return err
		}
		sealed, left = c.signing.sealOf(tx, img, caller.UserID, tx.Now()), c.room(tx, op, img.ProjectID, false, 0)
		return c.beginWithin(tx, op, img)
	})
	if err != nil {
		return Image{}, err
	}
	var done Image
	if r, err = sealed.check(left.cap(r)); err == nil {
		if done, err = c.fill(ctx, w, img, to, r); err == nil {
			return done, nil
		}
	}
	event, told := explain(op, id, err)
	return Image{}, errors.Join(told, w(func(tx *statestore.Txn) error {
		uploadFailed(tx, img, event)
		return nil
	}))
}

// fill takes in the bytes of an image that is saving, and makes it active.
func (c *Content) fill(ctx context.Context, w Write, img Image, to *shelf, r io.Reader) (done Image, err error) {
	if err := c.ready(ctx, to); err != nil {
		return Image{}, err
	}
	got, err := c.receive(r, to.incoming, img.DiskFormat)
	if err != nil {
		return Image{}, err
	}
	c.hold(got.sha256)
	if err = to.put(ctx, got.sha256, got.file); err == nil {
		err = w(func(tx *statestore.Txn) (err error) {
			if err := c.within(tx, "ImageUpload", img.ProjectID, Usage{Size: got.size}); err != nil {
				return err
			}
			done, err = uploadDone(tx, img, got, to.ID)
			return err
		})
	}
	return done, errors.Join(err, c.release(ctx, w, got.sha256, to.ID))
}

// explain turns what went wrong in an upload into what happens to the image and
// what its owner is told.
func explain(op, id string, err error) (Event, error) {
	if e, ok := errors.AsType[*signature.Error](err); ok {
		return Refused, fault(cloud.Invalid, op, id, "", "Signature verification failed for image %s: %s", id, e.Reason)
	}
	var told *cloud.Error
	if errors.As(err, &told) {
		return Interrupted, err
	}
	if e, ok := errors.AsType[*inspect.Error](err); ok {
		return Refused, fault(cloud.Invalid, op, id, "", "Image %s is refused: it %s.", id, e.Reason)
	}
	if full(err) {
		return Interrupted, fault(cloud.TooLarge, op, id, "", "Image storage media is full: there is not enough room for the bytes of image %s.", id).Because(err)
	}
	if broken(err) {
		return Interrupted, fault(cloud.Unavailable, op, id, "", "Image storage media cannot be written to now: the bytes of image %s were not kept.", id).Because(err)
	}
	return Interrupted, err
}

// uploadBegin makes a queued image saving, for one upload.
func uploadBegin(tx *statestore.Txn, c cloud.Caller, id string) (Image, error) {
	const op = "ImageUpload"
	i, err := ImageGet(tx, c, id)
	if err != nil {
		return Image{}, err
	}
	to, ok := Next(i.Status, Upload)
	if !ok {
		return Image{}, fault(cloud.Conflict, op, id, "", "Image status transition from %s to %s is not allowed: an image's bytes are uploaded once.", i.Status, Saving)
	}
	if i.DiskFormat == "" || i.ContainerFormat == "" {
		return Image{}, invalid(op, "", "Properties disk_format, container_format must be set prior to saving data.")
	}
	if err := checkClaim(op, i); err != nil {
		return Image{}, err
	}
	i.Status, i.UploadID = to, tx.NewID()
	return touch(tx, i), nil
}

// uploadDone makes the image active if it still is this upload's.
func uploadDone(tx *statestore.Txn, begun Image, got received, store string) (Image, error) {
	i, ok := Images.Get(tx, begun.ID)
	if !ok || i.UploadID != begun.UploadID {
		return Image{}, fault(cloud.NotFound, "ImageUpload", begun.ID, "", "Image %s could not be found after upload. The image may have been deleted during the upload.", begun.ID)
	}
	i.Status, _ = Next(i.Status, Done)
	i.UploadID = ""
	i.Stores = []string{store}
	return touch(tx, got.describe(i)), nil
}

// uploadFailed ends an upload that brought nothing.
func uploadFailed(tx *statestore.Txn, begun Image, e Event) {
	i, ok := Images.Get(tx, begun.ID)
	if !ok || i.UploadID != begun.UploadID {
		return
	}
	i.Status, _ = Next(i.Status, e)
	i.UploadID = ""
	touch(tx, i)
}

// UploadPlan does, in a plan session, what is certain of an upload: the image
// becomes active. What its bytes are stays unknown. Error kinds: NotFound,
// Conflict, Invalid, as Upload.
func UploadPlan(tx *statestore.Txn, c cloud.Caller, id string) (Image, error) {
	i, err := uploadBegin(tx, c, id)
	if err != nil {
		return Image{}, err
	}
	i.Status, _ = Next(i.Status, Done)
	i.UploadID = ""
	return touch(tx, i), nil
}

// received are bytes that are whole and durable, but not at their address yet.
type received struct {
	file                string // in incoming
	sha256, sha512, md5 string // hex
	size                int64
	info                inspect.Info
}

// describe returns the image with what is known of its bytes.
func (got received) describe(i Image) Image {
	i.Size, i.VirtualSize = got.size, got.info.VirtualSize
	i.SHA256, i.SHA512, i.MD5 = got.sha256, got.sha512, got.md5
	return i
}

// block is how much of an upload is in memory at once. It is more than
// inspect.HeadSize, so that the first one tells the format.
const block = 256 << 10

// receive takes in the bytes of r, which are to have the declared format, into a
// file in a directory.
func (c *Content) receive(r io.Reader, dir, declared string) (got received, err error) {
	f, err := c.create(dir)
	if err != nil {
		return received{}, err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	sums := newSums()
	if got.size, err = c.take(f, sums, r, declared); err != nil {
		return received{}, err
	}
	if got.info, err = inspect.Check(f, got.size, declared); err != nil {
		return received{}, err
	}
	sums.tell(&got)
	if err = f.Sync(); err == nil {
		err = f.Close()
	}
	if err != nil {
		return received{}, fmt.Errorf("keeping an upload: %w", err)
	}
	got.file = f.Name()
	return got, nil
}

// sums are the hashes that are computed of every content.
type sums struct{ sha256, sha512, md5 hash.Hash }

func newSums() sums { return sums{sha256.New(), sha512.New(), md5.New()} }

// Write implements io.Writer; it never fails. The hashes are computed at the same
// time: of an upload's work they are most.
func (s sums) Write(b []byte) (int, error) {
	var others sync.WaitGroup
	others.Go(func() { s.sha512.Write(b) })
	others.Go(func() { s.md5.Write(b) })
	s.sha256.Write(b)
	others.Wait()
	return len(b), nil
}

// tell sets the sums of what was written.
func (s sums) tell(got *received) {
	sum := func(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }
	got.sha256, got.sha512, got.md5 = sum(s.sha256), sum(s.sha512), sum(s.md5)
}

// anyFormat is the declared format of bytes that are not looked at.
const anyFormat = ""

// take copies r into f and sums. Blocks of zeros become holes.
func (c *Content) take(f file, sums io.Writer, r io.Reader, declared string) (size int64, err error) {
	buf := make([]byte, block)
	for end := false; !end; {
		var n int
		if n, end, err = readBlock(r, buf); cloud.Is(err, cloud.Quota) {
			return 0, err
		} else if err != nil {
			return 0, cloud.Errorf(cloud.Invalid, "image", "The upload ended before it was complete, after %d bytes.", size+int64(n)).Because(err)
		}
		b := buf[:n]
		if size == 0 && declared != anyFormat {
			if e := inspect.Mismatch(declared, b); e != nil {
				return 0, e
			}
		}
		if size+int64(n) > c.max {
			return 0, cloud.Errorf(cloud.TooLarge, "image", "The image is larger than the limit of %d bytes.", c.max)
		}
		if _, err := sums.Write(b); err != nil {
			return 0, err
		}
		if !bytes.Equal(b, zeros[:n]) {
			if _, err := f.WriteAt(b, size); err != nil {
				return 0, fmt.Errorf("writing an upload: %w", err)
			}
		}
		size += int64(n)
	}
	return size, f.Truncate(size)
}

var zeros [block]byte

// readBlock reads until b is full or r has ended. A reader that was cut off is an
// error, also if it says so by io.ErrUnexpectedEOF.
func readBlock(r io.Reader, b []byte) (n int, end bool, err error) {
	for n < len(b) {
		m, err := r.Read(b[n:])
		n += m
		if err == io.EOF {
			return n, true, nil
		}
		if err != nil {
			return n, false, err
		}
	}
	return n, false, nil
}
