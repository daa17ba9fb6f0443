package image

import (
	"context"
	"errors"
	"os"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image/blob"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
)

// Converter turns an image of one disk format into another's. Both files are named
// by their paths; to is new. Error kinds: Invalid for what will never work, TooLarge for want of room.
type Converter interface {
	Convert(ctx context.Context, from, fromFormat, to, toFormat string) error
}

// convertible are the disk formats that are converted. Others are what they are.
var convertible = map[string]bool{"raw": true, "qcow2": true, "vmdk": true, "vdi": true, "vhd": true, "vhdx": true, "ploop": true}

// reformats reports whether an image is to be converted before it is stored.
func (m importer) reformats(i Image) bool {
	return m.o.Format != "" && m.o.Format != i.DiskFormat && convertible[i.DiskFormat] && i.ContainerFormat == "bare" && !i.Signed()
}

// reformat converts what is staged, which has been checked.
func (m importer) reformat(ctx context.Context, r *task.Run) (task.Outcome, error) {
	_, i, err := m.begin(r)
	if err != nil || i.ID == "" {
		return task.Fail(errGone), nil
	}
	if !m.reformats(i) {
		return task.Next(stepCheck), nil // it is converted, and checked again
	}
	name := r.ID + ".converted"
	to := m.staged(name)
	if err := m.o.Converter.Convert(ctx, m.staged(i.Staged), i.DiskFormat, to, m.o.Format); err != nil {
		if cloud.Is(err, cloud.Invalid) || cloud.Is(err, cloud.TooLarge) {
			return task.Fail(err), nil
		}
		return task.Outcome{}, err
	}
	size, err := durable(to)
	if err == nil {
		err = blob.SyncDir(m.staging)
	}
	if err != nil {
		return task.Outcome{}, err
	}
	return m.restage(ctx, r, i, stepCheck, name, size, func(now Image) Image {
		now.ConvertedFrom, now.DiskFormat = i.DiskFormat, m.o.Format
		return now
	})
}

// durable makes a file's bytes durable and tells how many there are.
func durable(file string) (int64, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), f.Sync()
}

// restage puts other bytes in the place of those that are staged for an image, and
// changes the image with it.
func (m importer) restage(ctx context.Context, r *task.Run, was Image, next, name string, size int64, change func(Image) Image) (task.Outcome, error) {
	err := r.Store.Write(ctx, func(tx *statestore.Txn) error {
		i, ok := Images.Get(tx, was.ID)
		if !ok || i.TaskID != r.ID {
			return errGone
		}
		if err := m.within(tx, "ImageImport", i.ProjectID, Usage{Staged: size - i.StagedSize}); err != nil {
			return err
		}
		i.Staged, i.StagedSize = name, size
		touch(tx, change(i))
		return nil
	})
	if err != nil {
		return task.Fail(errors.Join(err, m.unstage(name))), nil
	}
	if was.Staged != name {
		err = m.unstage(was.Staged)
	}
	return task.Next(next), err
}
