package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/pebble"
)

// A backup is a directory of its own:
//
//	state/           the store's copy
//	images/          the bytes of every image that the state names, by SHA-256,
//	                 but for those that lie in remote stores only
//	remote-stores    the ids of those stores, one a line
//	clouds.yaml      the credentials of clients, if there were any
//	host/…/host-id   who the hosts are whose directories are in the server's
//
// Guests' disks are not in it.
const (
	stateDir  = "state"
	imageDir  = "images"
	hostDir   = "host"
	hostFiles = hostDir + "/*/host-id" // of several hosts; of one it is host/host-id

	remoteFile = "remote-stores"
)

// errImagesGone tells that the copied state names images that were deleted before
// their bytes were copied.
var errImagesGone = errors.New("images were deleted while they were copied")

// backup copies the cloud into a new directory while it runs. It gets its name when
// it is whole.
func (s *Server) backup(ctx context.Context, dir string) (err error) {
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("backup to %s: %w; name a directory that does not exist yet", dir, errors.Join(err, fs.ErrExist))
	}
	partial := dir + ".partial"
	for range 3 {
		if err = s.copyTo(ctx, partial); err == nil {
			err = errors.Join(os.Rename(partial, dir), syncDir(filepath.Dir(dir)))
		}
		if err != nil {
			err = errors.Join(err, os.RemoveAll(partial))
		}
		if !errors.Is(err, errImagesGone) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("backup to %s: %w", dir, err)
	}
	return nil
}

func (s *Server) copyTo(ctx context.Context, dir string) error {
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)); err != nil {
		return err
	}
	to := filepath.Join(dir, imageDir)
	// What the copied state names was there before the copy, or came meanwhile.
	if err := linkAll(ctx, s.imageDirs, to); err != nil {
		return err
	}
	if err := s.store.Backup(ctx, filepath.Join(dir, stateDir)); err != nil {
		return err
	}
	if err := linkAll(ctx, s.imageDirs, to); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, remoteFile), []byte(strings.Join(s.imageRemote, "\n")), 0o600); err != nil {
		return err
	}
	if err := checkImages(ctx, dir); err != nil {
		return err
	}
	if err := copySmall(s.o.DataDir, dir); err != nil {
		return err
	}
	return syncDir(dir)
}

// checkImages reports whether every image is in a backup that must be.
func checkImages(ctx context.Context, dir string) error {
	e, err := pebble.Open(filepath.Join(dir, stateDir), pebble.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	return eachImage(ctx, dir, e, func(i image.Image) error {
		fi, err := os.Stat(filepath.Join(dir, imageDir, i.SHA256))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %s", errImagesGone, i.ID)
		}
		if err == nil && fi.Size() != i.Size {
			err = fmt.Errorf("image %s has %d bytes and should have %d", i.ID, fi.Size(), i.Size)
		}
		return err
	})
}

// eachImage calls f with every image of a backup's state whose bytes must be in it,
// and closes the state.
func eachImage(ctx context.Context, dir string, e *pebble.Engine, f func(image.Image) error) error {
	list, err := os.ReadFile(filepath.Join(dir, remoteFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		e.Close()
		return err
	}
	remote := strings.Fields(string(list))
	var fatal error
	tables, logs := Tables()
	store, err := statestore.Open(ctx, e, statestore.Options{Tables: tables, Logs: logs, OnFatal: func(err error) { fatal = err }})
	if err != nil {
		return err
	}
	for i := range image.Images.All(store.Snapshot()) {
		local := slices.ContainsFunc(i.InStores(), func(store string) bool { return !slices.Contains(remote, store) })
		if local && err == nil {
			err = errors.Join(ctx.Err(), f(i))
		}
	}
	err = errors.Join(err, store.Close())
	return errors.Join(err, fatal)
}

// copySmall copies the small files that belong to a backup.
func copySmall(from, to string) error {
	names := []string{CloudsFile, filepath.Join(hostDir, "host-id")}
	hosts, err := filepath.Glob(filepath.Join(globQuote(from), hostFiles))
	if err != nil {
		return err
	}
	for _, h := range hosts {
		name, err := filepath.Rel(from, h)
		if err != nil {
			return err
		}
		names = append(names, name)
	}
	for _, name := range names {
		dst := filepath.Join(to, name)
		if _, err := os.Stat(filepath.Join(from, name)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(dst), 0o711); err != nil {
			return err
		}
		if err := copyFile(filepath.Join(from, name), dst); err != nil {
			return err
		}
	}
	return nil
}
