package main

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	imageRounds = 3
	speedSize   = 1 << 30
	largeSize   = 4 << 30
	uploads     = 64
	uploadSize  = 16 << 20
)

// images measures upload and download of images, against a copy of the same file
// with the same hashes computed, the memory that the largest takes, and many
// uploads at once.
func (b *bench) images() error {
	src := filepath.Join(b.dir, "src.img")
	if err := fillFile(src, speedSize); err != nil {
		return err
	}
	c, err := b.start("image")
	if err != nil {
		return err
	}
	defer c.Stop()
	if err := c.Login(); err != nil {
		return err
	}
	var up, upPeer, down, downPeer []time.Duration
	dst := filepath.Join(b.dir, "dst.img")
	for range imageRounds { // in turn, so that a busy machine is busy for both
		d, err := b.copyHashed(src, dst, true, md5.New(), sha256.New(), sha512.New())
		if err != nil {
			return err
		}
		upPeer = append(upPeer, d)
		id, d, err := c.upload(src)
		if err != nil {
			return err
		}
		up = append(up, d)
		if d, err = b.copyHashed(src, dst, false, sha256.New()); err != nil {
			return err
		}
		downPeer = append(downPeer, d)
		if d, err = c.download(id, dst); err != nil {
			return err
		}
		down = append(down, d)
		if _, err := c.call("DELETE", "/image/v2/images/"+id, nil, nil); err != nil {
			return err
		}
	}
	b.addSpeed("image upload of 1 GiB", speedSize, middle(up), middle(upPeer), 0.7, "cp with MD5, SHA-256, SHA-512 and sync")
	b.addSpeed("image download of 1 GiB", speedSize, middle(down), middle(downPeer), 0.7, "cp with SHA-256")
	if err := b.large(c, src, dst); err != nil {
		return err
	}
	return b.manyUploads(c)
}

// large measures the most memory that a process has of its own that takes in and
// gives out an image of 4 GiB.
func (b *bench) large(c *cloud, src, dst string) error {
	if err := fillFile(src, largeSize); err != nil {
		return err
	}
	if err := c.forgetPeak(); err != nil {
		return err
	}
	id, _, err := c.upload(src)
	if err != nil {
		return err
	}
	if _, err := c.download(id, dst); err != nil {
		return err
	}
	peak, err := c.memory("VmHWM")
	if err != nil {
		return err
	}
	b.addSize("resident memory at most, image of 4 GiB up and down", peak, 64e6)
	return os.Remove(dst)
}

// manyUploads uploads images of different bytes at once; each has to become active.
func (b *bench) manyUploads(c *cloud) error {
	src := filepath.Join(b.dir, "many-")
	var g errgroup.Group
	for n := range uploads {
		if err := fillFile(fmt.Sprint(src, n), uploadSize); err != nil {
			return err
		}
	}
	one, err := b.copyHashed(src+"0", filepath.Join(b.dir, "dst.img"), true, md5.New(), sha256.New(), sha512.New())
	if err != nil {
		return err
	}
	start := time.Now()
	for n := range uploads {
		g.Go(func() error { _, _, err := c.upload(fmt.Sprint(src, n)); return err })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	b.add(fmt.Sprintf("%d uploads of 16 MiB at once, none failed", uploads), time.Since(start), 0, fmt.Sprintf("%d copies one after another", uploads), uploads*one)
	return nil
}

// fillFile writes a file of random bytes, no two blocks equal.
func fillFile(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var seed [32]byte
	copy(seed[:], path)
	if _, err := io.Copy(f, io.LimitReader(rand.NewChaCha8(seed), size)); err != nil {
		return err
	}
	return f.Sync()
}

// copyHashed copies a file, as cp does, and computes hashes in passing.
func (b *bench) copyHashed(src, dst string, sync bool, hashes ...hash.Hash) (time.Duration, error) {
	start := time.Now()
	in, err := os.Open(src)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := os.Create(dst)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	all := []io.Writer{out}
	for _, h := range hashes {
		all = append(all, h)
	}
	if _, err := io.CopyBuffer(io.MultiWriter(all...), struct{ io.Reader }{in}, make([]byte, 256<<10)); err != nil {
		return 0, err
	}
	if sync {
		err = out.Sync()
	}
	return time.Since(start), err
}

// upload makes an image of a file; its time is that of the bytes.
func (c *cloud) upload(path string) (id string, d time.Duration, err error) {
	var img struct{ ID, Status string }
	if _, err := c.call("POST", "/image/v2/images", map[string]any{"name": filepath.Base(path), "disk_format": "raw", "container_format": "bare"}, &img); err != nil {
		return "", 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	start := time.Now()
	if err := c.Upload(img.ID, f, info.Size()); err != nil {
		return "", 0, err
	}
	d = time.Since(start)
	if _, err := c.call("GET", "/image/v2/images/"+img.ID, nil, &img); err != nil || img.Status != "active" {
		return "", 0, fmt.Errorf("the image is %s after its upload, %w", img.Status, err)
	}
	return img.ID, d, nil
}

// download gets an image's bytes into a file.
func (c *cloud) download(id, path string) (time.Duration, error) {
	start := time.Now()
	req, err := http.NewRequest("GET", c.URL+"/image/v2/images/"+id+"/file", nil)
	if err != nil {
		return 0, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	out, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	n, err := io.CopyBuffer(struct{ io.Writer }{out}, resp.Body, make([]byte, 256<<10))
	if err == nil && n != resp.ContentLength {
		err = fmt.Errorf("%d of %d bytes came", n, resp.ContentLength)
	}
	return time.Since(start), err
}
