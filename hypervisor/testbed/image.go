package testbed

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const (
	sectorSize     = 512
	partitionStart = 2048 // in sectors
	mbrProgram     = "/usr/lib/syslinux/mbr/mbr.bin"
)

// bootConfig is the boot loader's. The options make an emulated processor boot
// sooner.
const bootConfig = `SERIAL 0 115200
DEFAULT tiny
PROMPT 0
TIMEOUT 1
LABEL tiny
 KERNEL vmlinuz
 INITRD initrd
 APPEND console=ttyS0 quiet mitigations=off nokaslr no_timer_check random.trust_cpu=on
`

// BuildImage makes the tiny guest image at out: a qcow2 disk that boots by itself
// (BIOS) and gets along with 128 MiB of memory. It takes a few seconds, or nothing if
// out was made of the same inputs, as the file out+".inputs" tells. It needs no
// privileges, only the packages of 'make deps'.
//
// The guest asks for an address on every card, reads its config drive or metadata
// service, sets its name, lets in the SSH keys, runs user data that begins with
// "#!", serves /www over HTTP, and obeys the power button. On its serial console
// it says "TINY ready host=… ip=…" and offers a shell.
func BuildImage(ctx context.Context, out string) error {
	kernel, vmlinuz, err := newestKernel()
	if err != nil {
		return err
	}
	root, err := initramfs(ctx, kernel)
	if err != nil {
		return fmt.Errorf("guest image: %w", err)
	}
	mbr, err := os.ReadFile(mbrProgram)
	if err != nil {
		return fmt.Errorf("guest image: %w (package syslinux-common)", err)
	}
	sum := sha256.New()
	for _, b := range [][]byte{vmlinuz, root, mbr, []byte(bootConfig)} {
		fmt.Fprintln(sum, len(b))
		sum.Write(b)
	}
	inputs := hex.EncodeToString(sum.Sum(nil))
	if old, err := os.ReadFile(out + ".inputs"); err == nil && string(old) == inputs && exists(out) {
		return nil
	}
	work, err := os.MkdirTemp(filepath.Dir(out), ".image-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := buildDisk(ctx, work, vmlinuz, root, mbr); err != nil {
		return fmt.Errorf("guest image: %w", err)
	}
	if err := os.Rename(filepath.Join(work, "disk.qcow2"), out); err != nil {
		return err
	}
	return os.WriteFile(out+".inputs", []byte(inputs), 0o644)
}

// newestKernel finds Debian's cloud kernel.
func newestKernel() (version string, image []byte, err error) {
	found, _ := filepath.Glob("/boot/vmlinuz-*-cloud-amd64")
	if len(found) == 0 {
		return "", nil, fmt.Errorf("no /boot/vmlinuz-*-cloud-amd64 (package linux-image-cloud-amd64)")
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return slices.Compare(numbers(a), numbers(b)) })
	image, err = os.ReadFile(newest)
	return strings.TrimPrefix(filepath.Base(newest), "vmlinuz-"), image, err
}

// numbers are the numbers in s, in order: 6.1.0-9 comes before 6.1.0-10.
func numbers(s string) []int {
	var all []int
	in := false
	for _, c := range s {
		digit := c >= '0' && c <= '9'
		if digit && !in {
			all = append(all, 0)
		}
		if digit {
			all[len(all)-1] = all[len(all)-1]*10 + int(c-'0')
		}
		in = digit
	}
	return all
}

// buildDisk makes work/disk.qcow2: an MBR, and a FAT partition with the kernel.
func buildDisk(ctx context.Context, work string, vmlinuz, root, mbr []byte) error {
	var initrd bytes.Buffer
	z, _ := gzip.NewWriterLevel(&initrd, gzip.BestCompression)
	_, _ = z.Write(root) // a buffer takes all
	_ = z.Close()
	boot := map[string][]byte{"vmlinuz": vmlinuz, "initrd": initrd.Bytes(), "syslinux.cfg": []byte(bootConfig)}
	size := 2 << 20 // room for the file system itself and the boot loader
	for _, data := range boot {
		size += len(data)
	}
	sectors := max((size+sectorSize-1)/sectorSize, 40960) // FAT16 wants some
	disk := filepath.Join(work, "disk.raw")
	if err := os.WriteFile(disk, partitionTable(mbr, uint32(sectors)), 0o644); err != nil {
		return err
	}
	if err := os.Truncate(disk, int64(partitionStart+sectors)*sectorSize); err != nil {
		return err
	}
	offset := fmt.Sprint(partitionStart * sectorSize)
	at := disk + "@@" + offset
	if err := tool(ctx, "mformat", "-i", at, "-T", fmt.Sprint(sectors), "-h", "64", "-s", "32",
		"-H", fmt.Sprint(partitionStart), "-N", "c10d1e70", "-v", "TINY", "::"); err != nil {
		return err
	}
	for name, data := range boot {
		file := filepath.Join(work, name)
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
		if err := tool(ctx, "mcopy", "-i", at, file, "::"+name); err != nil {
			return err
		}
	}
	if err := tool(ctx, "syslinux", "--offset", offset, "--install", disk); err != nil {
		return err
	}
	return tool(ctx, "qemu-img", "convert", "-c", "-O", "qcow2", disk, filepath.Join(work, "disk.qcow2"))
}

// partitionTable is the first sector of a disk with one active FAT16 partition.
func partitionTable(program []byte, sectors uint32) []byte {
	b := make([]byte, sectorSize)
	copy(b[:440], program)
	binary.LittleEndian.PutUint32(b[440:], 0xc10d1e70)
	p := b[446:462]
	p[0] = 0x80 // active
	p[4] = 0x0e // FAT16, by block addresses
	copy(p[1:4], "\xfe\xff\xff")
	copy(p[5:8], "\xfe\xff\xff")
	binary.LittleEndian.PutUint32(p[8:], partitionStart)
	binary.LittleEndian.PutUint32(p[12:], sectors)
	b[510], b[511] = 0x55, 0xaa
	return b
}

// tool runs a program to its end; the error holds what it said.
func tool(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "MTOOLSRC="+os.DevNull, "MTOOLS_SKIP_CHECK=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, lastLine(out))
	}
	return nil
}

// lastLine is what a program's output ends with, for an error message.
func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
