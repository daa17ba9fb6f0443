package libvirt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor"
)

// qemuImgTime is more than making an overlay takes on a very busy host.
const qemuImgTime = 30 * time.Second

// ensureDisk makes the root disk unless there is a file at its path.
func ensureDisk(ctx context.Context, d hypervisor.Disk) error {
	if _, err := os.Lstat(d.Path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	args := []string{"create", "-q", "-f", "qcow2"}
	if d.Base != "" {
		size, err := baseSize(d.Base, d.BaseFormat)
		if err != nil {
			return fmt.Errorf("%w: base image: %w", hypervisor.ErrInvalid, err)
		}
		if d.SizeBytes < size {
			return fmt.Errorf("%w: the disk has %d bytes, its base image %d", hypervisor.ErrInvalid, d.SizeBytes, size)
		}
		args = append(args, "-b", d.Base, "-F", d.BaseFormat)
	}
	// Under another name until it is whole. Calls for one guest do not meet, so
	// the name is free, or a leftover.
	work := d.Path + ".new"
	if err := os.Remove(work); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := qemuImg(ctx, append(args, work, strconv.FormatInt(d.SizeBytes, 10))...); err != nil {
		return err
	}
	if err := syncFile(work); err != nil {
		return err
	}
	if err := os.Rename(work, d.Path); err != nil {
		return err
	}
	return syncFile(filepath.Dir(d.Path))
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// qemuImg runs qemu-img with bounds on its time and memory.
func qemuImg(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, qemuImgTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "prlimit", append([]string{"--as=1073741824", "--cpu=30", "--", "qemu-img"}, args...)...)
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return fmt.Errorf("qemu-img: %w", ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("qemu-img: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// baseSize is the size of a base image as a guest sees it. A qcow2 image that
// refers to other files is refused: they could be any of the host's.
func baseSize(path, format string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if format == "raw" {
		info, err := f.Stat()
		if err != nil {
			return 0, err
		}
		return (info.Size() + 511) / 512 * 512, nil
	}
	var h [80]byte
	n, err := io.ReadFull(f, h[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, err
	}
	be := binary.BigEndian
	const externalData = 1 << 2
	version := be.Uint32(h[4:])
	switch {
	case n < 72 || string(h[:4]) != "QFI\xfb" || version != 2 && version != 3:
		return 0, fmt.Errorf("%s is not qcow2", path)
	case be.Uint64(h[8:]) != 0, version == 3 && be.Uint64(h[72:])&externalData != 0:
		return 0, fmt.Errorf("%s refers to another file", path)
	}
	size := be.Uint64(h[24:])
	if size > 1<<62 {
		return 0, fmt.Errorf("%s claims a size of %d bytes", path, size)
	}
	return int64(size), nil
}
