// Package convert turns an image of one disk format into another's, by qemu-img.
// It is called by imports, for images that package inspect has passed.
//
// Invariants:
//
//	I1  qemu-img is told the format of what it reads: it never guesses one, and so
//	    never follows what a guessed format names.
//	I2  It runs confined: bounds on its memory, its processor time, the wall time,
//	    the size of the file that it writes and how full that makes the disk; an empty environment; no core; in a
//	    process group that is killed as one, and that dies with this process.
//	I3  It has no network, no privilege, no way to gain one, sees no other process, and
//	    opens no file but the image, what is to become of it, and the system's programs.
//	    Two mechanisms of the kernel hold that, each for whom the other is missing: namespaces (an
//	    ordinary user may make them unless the system forbids it) and Landlock (Linux
//	    5.13; without network from 6.7, without signals from 6.12). Missing tells what a
//	    machine lacks. Without both only I2 is left.
//	I4  What is left of a conversion that failed is removed.
//
// It imports cloud, the standard library and golang.org/x/sys only.
package convert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// Converter converts. The zero Converter has the defaults.
type Converter struct {
	Memory int64         // bytes of address space; default 2 GiB
	Size   int64         // bytes of the file; default 1 TiB
	CPU    time.Duration // default 1 hour
	Wall   time.Duration // default 2 hours
	Spare  int64         // bytes of the disk that stay free; default 256 MiB, or a sixteenth of a small disk
}

// names are qemu-img's for Glance's formats.
var names = map[string]string{"raw": "raw", "qcow2": "qcow2", "vmdk": "vmdk", "vdi": "vdi", "vhd": "vpc", "vhdx": "vhdx", "ploop": "parallels"}

// needed are the programs that are run.
var needed = []string{"qemu-img", "prlimit"}

// targets are the formats that may be wanted.
var targets = []string{"raw", "qcow2", "vmdk"}

// Check reports whether images can be made to be of a format here. Error kinds:
// Invalid, Unavailable if a program is missing.
func Check(format string) error {
	if !slices.Contains(targets, format) {
		return cloud.Errorf(cloud.Invalid, "image", "Images cannot be converted to %.20q; use one of %s.", format, strings.Join(targets, ", "))
	}
	for _, program := range needed {
		if _, err := exec.LookPath(program); err != nil {
			return cloud.Errorf(cloud.Unavailable, "image", "Images cannot be converted without the program %s.", program).Because(err)
		}
	}
	return nil
}

// Convert writes the image in the file from, of the format fromFormat, to the new
// file to as toFormat. It blocks until it is done. Error kinds: Invalid for what
// qemu-img refuses or what goes beyond the bounds, TooLarge for want of room; others may pass.
func (c Converter) Convert(ctx context.Context, from, fromFormat, to, toFormat string) error {
	in, out := names[fromFormat], names[toFormat]
	if in == "" || out == "" {
		return cloud.Errorf(cloud.Invalid, "image", "An image cannot be converted from %.20q to %.20q.", fromFormat, toFormat)
	}
	if err := touch(to); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, or(c.Wall, 2*time.Hour))
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer c.watch(filepath.Dir(to), stop)()
	var said *bytes.Buffer
	_, err := strict.run(from, to, func() *exec.Cmd {
		said = &bytes.Buffer{}
		return c.command(ctx, said, "qemu-img", "convert", "-f", in, "-O", out, "--", from, to)
	})
	if err == nil {
		return nil
	}
	err = errors.Join(fmt.Errorf("qemu-img: %w: %s", err, said.String()), removed(to))
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errFull):
		return cloud.Errorf(cloud.TooLarge, "image", "Image storage media is full: there is not enough room to convert the image to %s.", toFormat).Because(err)
	case errors.Is(cause, context.Canceled):
		return cause
	}
	return cloud.Errorf(cloud.Invalid, "image", "The image cannot be converted from %s to %s: it is damaged, or too large for the bounds of a conversion.", fromFormat, toFormat).Because(err)
}

// command returns a command that runs a program within the bounds; what it says on its
// standard error goes to said.
func (c Converter) command(ctx context.Context, said *bytes.Buffer, program string, args ...string) *exec.Cmd {
	limits := []string{fmt.Sprintf("--as=%d", or(c.Memory, 2<<30)), fmt.Sprintf("--fsize=%d", or(c.Size, 1<<40)),
		fmt.Sprintf("--cpu=%d", int64(or(c.CPU, time.Hour)/time.Second)), "--core=0", "--nofile=64", "--"}
	cmd := exec.CommandContext(ctx, "prlimit", slices.Concat(limits, []string{which(program)}, args)...)
	cmd.Env = []string{}
	cmd.Stderr = &head{said}
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// which returns a program's path, or its name if there is none: the empty environment
// has no PATH.
func which(program string) string {
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	return program
}

// touch makes an empty file: the program itself may make none.
func touch(file string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Missing tells what this machine lacks to confine qemu-img as it should be: nothing, as
// a rule. An error says that qemu-img does not run.
func Missing(ctx context.Context) (lacks []string, err error) {
	var said bytes.Buffer
	by, err := strict.run(os.DevNull, os.DevNull, func() *exec.Cmd { return Converter{}.command(ctx, &said, "qemu-img", "--version") })
	if err != nil {
		return nil, fmt.Errorf("qemu-img does not run confined: %w: %s", err, said.String())
	}
	if by.namespaces == 0 {
		lacks = append(lacks, "namespaces")
	}
	if by.landlock == 0 {
		lacks = append(lacks, "Landlock")
	}
	return lacks, nil
}

func removed(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func or[T int64 | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// head keeps the first bytes of what a program says.
type head struct{ *bytes.Buffer }

func (t *head) Write(b []byte) (int, error) {
	if room := 2000 - t.Len(); room > 0 {
		t.Buffer.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}
