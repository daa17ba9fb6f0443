package glance

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/image"
)

// cutPlaces are how many bytes of n are sent before an upload is cut off: none, one,
// all but one, around each of the blocks in which the server takes bytes in, and
// anywhere.
func cutPlaces(n int) []int {
	const block = 256 << 10
	at := []int{0, 1, n - 1}
	for b := block; b < n; b += block {
		at = append(at, b-1, b, b+1)
	}
	for range 12 {
		at = append(at, rand.IntN(n))
	}
	slices.Sort(at)
	return slices.Compact(at)
}

// TestUploadCutAnywhereLeavesNothing cuts uploads and stagings off at many places, with
// and without a length told before, by an end and by a reset of the connection. The
// image is queued again, nothing is kept, and the image can be uploaded then.
func TestUploadCutAnywhereLeavesNothing(t *testing.T) {
	w := newWorld(t)
	data := make([]byte, 600_000)
	for n := range data {
		data[n] = byte(n*7 + n>>8)
	}
	var chunked bytes.Buffer
	for part := range slices.Chunk(data, 100_000) {
		fmt.Fprintf(&chunked, "%x\r\n%s\r\n", len(part), part)
	}
	all := chunked.Len() // without the chunk that ends it
	id := w.create("ann", rawBody)
	for _, path := range []string{"file", "stage"} {
		head := fmt.Sprintf("PUT /image/v2/images/%s/%s HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ann\r\nContent-Type: application/octet-stream\r\n", id, path)
		for n, at := range cutPlaces(len(data)) {
			w.cut(id, fmt.Sprintf("%s cut after %d of %d bytes", path, at, len(data)), fmt.Sprintf("%sContent-Length: %d\r\n\r\n", head, len(data)), data[:at], n%2 == 0)
		}
		for n, at := range append(cutPlaces(all), all) {
			w.cut(id, fmt.Sprintf("%s cut after %d of %d bytes in chunks", path, at, all), head+"Transfer-Encoding: chunked\r\n\r\n", chunked.Bytes()[:at], n%2 == 0)
		}
	}
	head := []byte("PUT /image/v2/images/" + id + "/file HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ann\r\nContent-Length: 5\r\n\r")
	for at := range head {
		w.dial().cut(head[:at], at%2 == 0)
	}
	w.put(204, "ann", id, bytes.NewReader(data))
	if got := w.want(200, "ann", "GET", "/v2/images/"+id+"/file", nil).body; !bytes.Equal(got, data) {
		t.Errorf("%d other bytes come back", len(got))
	}
}

// cut sends the beginning of a request about an image, and proves that nothing comes of it.
func (w *world) cut(id, what, head string, body []byte, reset bool) {
	w.t.Helper()
	c := w.dial()
	c.send(head)
	w.awaitImage(id, what, func(i image.Image) bool { return i.UploadID != "" }) // a reset may take back what was not read yet
	c.cut(body, reset)
	w.awaitImage(id, what, func(i image.Image) bool { return i.UploadID == "" })
	if i, _ := image.Images.Get(w.store.Snapshot(), id); i.Status != image.Queued || i.Staged != "" {
		w.t.Fatalf("%s: %+v", what, i)
	}
	err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			w.t.Errorf("%s leaves %s", what, path)
		}
		return err
	})
	if err != nil {
		w.t.Error(err)
	}
}

// awaitImage waits until ok says so of an image.
func (w *world) awaitImage(id, what string, ok func(image.Image) bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	for {
		snap, watch := w.store.Watch()
		i, _ := image.Images.Get(snap, id)
		if ok(i) {
			return
		}
		if err := watch.Wait(ctx); err != nil {
			w.t.Fatalf("%s: the image is %s: %v", what, i.Status, err)
		}
	}
}

// conn is a connection that is not HTTP's alone.
type conn struct {
	t testing.TB
	*net.TCPConn
}

func (w *world) dial() conn {
	w.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	return conn{w.t, c.(*net.TCPConn)}
}

func (c conn) send(text string) {
	c.t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// cut sends the last bytes and ends the connection, or resets it.
func (c conn) cut(b []byte, reset bool) {
	c.t.Helper()
	c.send(string(b))
	if reset {
		if err := c.SetLinger(0); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		c.t.Fatal(err)
	}
}
