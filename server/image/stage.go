package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image/blob"
	"github.com/cloudlet/cloudlet/statestore"
)

// staged is where the bytes lie that an import begins with: Image.Staged.
func (c *Content) staged(name string) string { return filepath.Join(c.staging, name) }

// Stage takes in bytes for a later import of a queued image, which is uploading
// from then on. They are not looked at before the import. It blocks as long as r
// does. Whatever fails, the bytes are gone and the image is queued again.
//
// Error kinds: as Upload.
func (c *Content) Stage(w Write, caller cloud.Caller, id string, r io.Reader) error {
	const op = "ImageStage"
	var img Image
	var left room
	err := w(func(tx *statestore.Txn) (err error) {
		if img, err = stageBegin(tx, caller, id); err != nil {
			return err
		}
		if err := c.within(tx, op, img.ProjectID, Usage{Staged: 1}); err != nil {
			return err
		}
		left = c.room(tx, op, img.ProjectID, true, 0)
		return c.beginWithin(tx, op, img)
	})
	if err != nil {
		return err
	}
	size, err := c.keep(left.cap(r), img.UploadID)
	if err == nil {
		err = w(func(tx *statestore.Txn) error {
			if err := c.within(tx, op, img.ProjectID, Usage{Staged: size}); err != nil {
				return err
			}
			return stageDone(tx, img, size)
		})
	}
	if err == nil {
		return nil
	}
	_, told := explain(op, id, err)
	return errors.Join(told, c.unstage(img.UploadID), w(func(tx *statestore.Txn) error {
		uploadFailed(tx, img, Interrupted)
		return nil
	}))
}

// StagePlan does, in a plan session, what is certain of Stage.
func StagePlan(tx *statestore.Txn, c cloud.Caller, id string) error {
	i, err := stageBegin(tx, c, id)
	if err != nil {
		return err
	}
	return stageDone(tx, i, 0)
}

func stageBegin(tx *statestore.Txn, c cloud.Caller, id string) (Image, error) {
	i, err := ImageGet(tx, c, id)
	if err != nil {
		return Image{}, err
	}
	to, ok := Next(i.Status, Stage)
	if !ok {
		return Image{}, fault(cloud.Conflict, "ImageStage", id, "", "Image status transition from %s to %s is not allowed: bytes are staged for a queued image, and once.", i.Status, Uploading)
	}
	i.Status, i.UploadID = to, tx.NewID()
	return touch(tx, i), nil
}

// stageDone makes what is staged ready for an import.
func stageDone(tx *statestore.Txn, begun Image, size int64) error {
	i, ok := Images.Get(tx, begun.ID)
	if !ok || i.UploadID != begun.UploadID {
		return fault(cloud.NotFound, "ImageStage", begun.ID, "", "Image %s could not be found after upload. The image may have been deleted during the upload.", begun.ID)
	}
	i.UploadID, i.Staged, i.StagedSize = "", begun.UploadID, size
	touch(tx, i)
	return nil
}

// keep stages the bytes of r, of whatever format, under a name.
func (c *Content) keep(r io.Reader, name string) (size int64, err error) {
	f, err := c.create(c.incoming)
	if err != nil {
		return 0, err
	}
	size, err = c.take(f, io.Discard, r, anyFormat)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		if err = os.Rename(f.Name(), c.staged(name)); err == nil {
			return size, blob.SyncDir(c.staging)
		}
	}
	return 0, errors.Join(fmt.Errorf("staging: %w", err), os.Remove(f.Name()))
}

// unstage removes what is staged under a name; nothing if it is empty or nothing is.
func (c *Content) unstage(name string) error {
	if name == "" {
		return nil
	}
	if err := os.Remove(c.staged(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Forget removes the bytes of an image that was deleted: what was staged for it,
// and its content unless another image names it. Remote stores are left to a task.
func (c *Content) Forget(ctx context.Context, w Write, i Image) error {
	return errors.Join(c.unstage(i.Staged), c.Drop(ctx, w, i.SHA256, i.InStores()))
}
