package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/statestore/pebble"
)

// Restore replaces the state of a stopped server's data directory by a backup's,
// and adds the backup's images. It reads and checks all of the backup first: a
// broken one changes nothing.
func Restore(ctx context.Context, backupDir, dataDir string) (err error) {
	for _, sub := range []string{stateDir, imageDir} {
		if fi, err := os.Stat(filepath.Join(backupDir, sub)); err != nil || !fi.IsDir() {
			return fmt.Errorf("%s is no backup: it has no directory %s", backupDir, sub)
		}
	}
	if _, err := os.Lstat(dataDir); errors.Is(err, fs.ErrNotExist) {
		defer func() {
			if err != nil {
				os.Remove(dataDir) // it was made here, and is removed only if it is empty
			}
		}()
	}
	if err := os.MkdirAll(dataDir, 0o711); err != nil {
		return err
	}
	images := filepath.Join(backupDir, imageDir)
	check := func(ctx context.Context, e *pebble.Engine) error {
		if err := eachImage(ctx, backupDir, e, func(i image.Image) error { return checkContent(images, i) }); err != nil {
			return err
		}
		// Images that no row names do no harm if it ends here: the server sweeps them.
		return linkFiles(ctx, images, filepath.Join(dataDir, imageDir))
	}
	if err := pebble.Restore(ctx, filepath.Join(backupDir, stateDir), filepath.Join(dataDir, stateDir), check); err != nil {
		return err
	}
	return copySmall(backupDir, dataDir)
}

// checkContent reports an image whose bytes in the directory are not what they
// should be.
func checkContent(dir string, i image.Image) error {
	f, err := os.Open(filepath.Join(dir, i.SHA256))
	if err != nil {
		return fmt.Errorf("the backup lacks the bytes of image %s: %w", i.ID, err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return fmt.Errorf("the backup's bytes of image %s: %w", i.ID, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != i.SHA256 {
		return fmt.Errorf("the backup's bytes of image %s are damaged: their SHA-256 is not %s", i.ID, i.SHA256)
	}
	return nil
}
