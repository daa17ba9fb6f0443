package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/image/blob/blobtest"
)

// far are the flags of a store in object storage, which takes what names none.
func far(s *blobtest.Server, more ...string) []string {
	return []string{"-host-name", "h", "-image-store", "far:" + s.Address("cloud", more...), "-image-store-default", "far"}
}

// TestObjectStorage starts guests from an image in object storage, backs the cloud
// up, and restores it beside that.
func TestObjectStorage(t *testing.T) {
	t.Parallel()
	s, top := blobtest.Start(t), t.TempDir()
	dir, copied, fresh := filepath.Join(top, "data"), filepath.Join(top, "backup"), filepath.Join(top, "fresh")
	const size = 20 << 20
	p, base := dev(t, dir, far(s)...)
	a := asAdmin(t, base)
	image := a.image("i", make([]byte, size))
	near := a.do("POST", "/image/v2/images", object{"name": "near", "disk_format": "raw", "container_format": "bare"})["id"].(string)
	a.do("PUT", "/image/v2/images/"+near+"/file", []byte("near"), "X-Image-Meta-Store", "files")
	if i := a.do("GET", "/image/v2/images/"+image, nil); i["stores"] != "far" || i["status"] != "active" || len(objects(s)) != 1 {
		t.Errorf("%v; objects %v", i, objects(s))
	}
	guest := a.instance("guest", image, nil)
	detail := fmt.Sprint(a.do("GET", "/image/v2/info/stores/detail", nil))
	if !strings.Contains(detail, "type:s3") || strings.Contains(detail, blobtest.SecretKey) {
		t.Error(detail)
	}
	if status, b := a.send("GET", "/image/v2/images/"+image+"/file", nil, "Range", "bytes=10-19"); status != http.StatusPartialContent || len(b) != 10 {
		t.Errorf("a range: %d, %d bytes", status, len(b))
	}
	mustDo(t, "backup", "-data-dir", dir, "-to", copied)
	p.stop()
	if strings.Contains(p.log.String(), blobtest.SecretKey) {
		t.Error("a secret is in the log")
	}
	mustDo(t, "restore", "-data-dir", fresh, "-from", copied)
	p, base = dev(t, fresh, far(s)...)
	a = asAdmin(t, base)
	for id, n := range map[string]int{image: size, near: 4} {
		if status, b := a.send("GET", "/image/v2/images/"+id+"/file", nil); status != http.StatusOK || len(b) != n {
			t.Errorf("restored: %d, %d bytes, want %d", status, len(b), n)
		}
	}
	a.do("DELETE", "/compute/v2.1/servers/"+guest, nil)
	a.do("DELETE", "/image/v2/images/"+image, nil)
	empty(t, s)
	p.stop()
}

// objects are those of images: one more says whose the store is.
func objects(s *blobtest.Server) []string {
	return slices.DeleteFunc(s.Objects(), func(key string) bool { return key == "cloud/owner" })
}

// empty waits until nothing is in the object storage.
func empty(t *testing.T, s *blobtest.Server) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) { // it tells nobody what happens in it
		left := append(objects(s), s.Uploads()...)
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("left in the object storage: %v", left)
		}
	}
}

// TestObjectStorageAway starts a server whose object storage is away, or lets it in
// with no key: it serves all else, and says what is wrong.
func TestObjectStorageAway(t *testing.T) {
	t.Parallel()
	s, dir := blobtest.Start(t), t.TempDir()
	s.Away(true)
	p, base := dev(t, dir, far(s)...)
	p.await(p.log, 0, `level=ERROR msg="an image store cannot be used[^"]*" store=far error=".*s3://images/cloud/ at http://127.0.0.1:`)
	a := asAdmin(t, base)
	id := a.do("POST", "/image/v2/images", object{"name": "i", "disk_format": "raw", "container_format": "bare"})["id"].(string)
	upload := func(store string) (int, string) {
		status, b := a.send("PUT", "/image/v2/images/"+id+"/file", []byte("bytes"), "X-Image-Meta-Store", store)
		return status, string(b)
	}
	if status, b := upload("far"); status != http.StatusServiceUnavailable || !strings.Contains(b, "The image store far cannot be used now") {
		t.Errorf("an upload while it is away: %d %s", status, b)
	}
	if status, b := upload("files"); status != http.StatusNoContent {
		t.Errorf("an upload elsewhere: %d %s", status, b)
	}
	p.stop()
	s.Away(false)
	for profile, want := range map[string]string{"wrong": "the secret key is wrong", "stranger": "the access key is not known there"} {
		p, _ = dev(t, dir, far(s, "profile="+profile)...)
		p.await(p.log, 0, `level=ERROR msg="an image store cannot be used[^"]*" store=far error=".*`+want)
		p.stop()
	}
	failing(t, 1, append([]string{"dev", "-driver", "sim", "-data-dir", dir}, far(s, "profile=none")...), "image store far", "credentials of s3://images/cloud/")
	failing(t, 2, append([]string{"dev", "-driver", "sim", "-data-dir", dir}, far(s, "regoin=x")...), `-image-store far: there is no option "regoin"`)
	if _, err := os.Stat(filepath.Join(dir, "images")); err != nil {
		t.Error(err)
	}
}

// TestKilledWhileSending kills the server while it sends to object storage: after the
// next start nothing is left, there and here.
func TestKilledWhileSending(t *testing.T) {
	t.Parallel()
	s, dir := blobtest.Start(t), t.TempDir()
	p, base := dev(t, dir, far(s)...)
	a := asAdmin(t, base)
	data := bytes.Repeat([]byte("0123456789abcdef"), 50<<16) // 50 MiB
	id := a.do("POST", "/image/v2/images", object{"name": "i", "disk_format": "raw", "container_format": "bare"})["id"].(string)
	s.Cut(35<<20, -1, false) // it tries again for a while
	done := make(chan error, 1)
	go func() {
		rq, err := http.NewRequestWithContext(t.Context(), "PUT", base+"/image/v2/images/"+id+"/file", bytes.NewReader(data))
		if err == nil {
			rq.Header.Set("X-Auth-Token", a.token)
			rq.Header.Set("Content-Type", "application/octet-stream")
			var resp *http.Response
			if resp, err = http.DefaultClient.Do(rq); err == nil {
				resp.Body.Close()
			}
		}
		done <- err
	}()
	for end := time.Now().Add(patience); s.Cuts() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing is sent")
		}
	}
	p.kill()
	if err := <-done; err == nil {
		t.Error("the upload was answered")
	}
	s.Cut(-1, -1, false)
	if len(s.Uploads()) != 1 {
		t.Errorf("uploads after the kill: %v", s.Uploads())
	}
	_, base = dev(t, dir, far(s)...)
	empty(t, s)
	if left, err := os.ReadDir(filepath.Join(dir, "images", "incoming")); err != nil || len(left) != 0 {
		t.Errorf("left here: %v, %v", left, err)
	}
	a = asAdmin(t, base)
	if i := a.do("GET", "/image/v2/images/"+id, nil); i["status"] != "queued" {
		t.Errorf("%v", i)
	}
	a.do("PUT", "/image/v2/images/"+id+"/file", data)
	if len(objects(s)) != 1 {
		t.Errorf("objects %v", objects(s))
	}
}
