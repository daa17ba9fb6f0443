package glance

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/statestore"
)

func (a *api) fileRoutes() []front.Route {
	return []front.Route{
		{Method: "PUT", Path: "/images/{image}/file", Rule: "image:image:upload", Target: imageTarget, MaxBody: -1, Handle: a.upload},
		{Method: "GET", Path: "/images/{image}/file", Rule: "image:image:download", Target: imageTarget, MaxBody: -1, Handle: a.download},
	}
}

const octets = "application/octet-stream"

// drained bounds how much of a refused upload is read and thrown away, in bytes.
const drained = 1 << 30

func (a *api) upload(rq *front.Request) (*front.Response, error) {
	id := rq.PathValue("image")
	return drain(rq, func() (*front.Response, error) {
		if resp := octetsOnly(rq); resp != nil {
			return resp, nil
		}
		if rq.Planning() {
			_, err := write(rq, func(tx *statestore.Txn) (image.Image, error) { return image.UploadPlan(tx, rq.Caller, id) })
			return front.NoContent(), err
		}
		_, err := a.Content.UploadTo(rq.Context(), rq.Write, rq.Caller, id, rq.HTTP.Header.Get(storeHeader), rq.HTTP.Body)
		return gone(rq, id, err)
	})
}

func (a *api) download(rq *front.Request) (*front.Response, error) {
	i, err := image.ImageGet(rq.Read(), rq.Caller, rq.PathValue("image"))
	if err != nil {
		return nil, err
	}
	if i.Status == image.Deactivated && !rq.Caller.Admin() {
		return nil, cloud.Errorf(cloud.Forbidden, "image", "The requested image has been deactivated. Image data download is forbidden.")
	}
	if i.Elsewhere() {
		return a.downloadElsewhere(rq, i)
	}
	if !i.HasData() || i.Status == image.Importing {
		return front.NoContent(), nil
	}
	f, size, err := a.Content.Open(rq.Context(), i.SHA256)
	if err != nil {
		return nil, cloud.Errorf(cloud.Unavailable, "image", "The bytes of image %s cannot be read now.", i.ID).Because(err)
	}
	if !rq.Planning() {
		if _, cached := image.Cache.Get(rq.Read(), i.ID); cached {
			_ = rq.Write(func(tx *statestore.Txn) error { image.CacheHit(tx, i.ID); return nil }) // only counts
		}
	}
	return content(rq, i, f, size)
}

// downloadElsewhere passes on the bytes of an image that lie beyond this cloud.
func (a *api) downloadElsewhere(rq *front.Request, i image.Image) (*front.Response, error) {
	f, size, err := a.Fetcher.Open(rq.Context(), i.Locations[0].URL)
	if err != nil {
		return nil, cloud.Errorf(cloud.Unavailable, "image", "The bytes of image %s cannot be had from their location now.", i.ID).Because(err)
	}
	return (&front.Response{Status: http.StatusOK, Stream: f, Length: size}).With("Content-Type", octets), nil
}

// content answers with the whole file or the one range that is asked for.
func content(rq *front.Request, i image.Image, f io.ReadSeekCloser, size int64) (*front.Response, error) {
	whole := part{image.Verified(f, i.SHA256, size), f} // the last bytes fail to come if they are not what they were
	resp := (&front.Response{Status: http.StatusOK, Stream: whole, Length: size}).With("Content-Type", octets).With("Accept-Ranges", "bytes")
	first, n, asked, ok := byteRange(rq.HTTP.Header.Get("Range"), size)
	switch {
	case !asked:
		return resp.With("Content-Md5", i.MD5), nil
	case !ok:
		_ = f.Close()
		e := cloud.Errorf(cloud.Invalid, "image", "The range %.100q cannot be had of an image of %d bytes.", rq.HTTP.Header.Get("Range"), size)
		return fault(rq, http.StatusRequestedRangeNotSatisfiable, e).With("Content-Range", fmt.Sprintf("bytes */%d", size)), nil
	}
	if _, err := f.Seek(first, io.SeekStart); err != nil {
		_ = f.Close()
		return nil, err
	}
	resp.Status, resp.Length, resp.Stream = http.StatusPartialContent, n, part{io.LimitReader(f, n), f}
	return resp.With("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, first+n-1, size)), nil
}

// part is a piece of a file.
type part struct {
	io.Reader
	io.Closer
}

// byteRange reads a Range of one piece (RFC 9110, section 14.1.2): where it
// starts and its length. Several pieces and other units count as not asked for,
// as the RFC allows.
func byteRange(header string, size int64) (first, n int64, asked, ok bool) {
	spec, found := strings.CutPrefix(header, "bytes=")
	from, to, dash := strings.Cut(strings.TrimSpace(spec), "-")
	if !found || !dash || strings.Contains(spec, ",") {
		return 0, 0, false, false
	}
	a, errA := strconv.ParseInt(from, 10, 64)
	b, errB := strconv.ParseInt(to, 10, 64)
	switch {
	case from == "" && errB == nil && b >= 0: // the last b bytes
		n = min(b, size)
		return size - n, n, true, n > 0
	case errA != nil || a < 0 || to != "" && (errB != nil || b < a):
		return 0, 0, false, false
	case a >= size:
		return 0, 0, true, false
	case to == "":
		b = size - 1
	}
	return a, min(b, size-1) - a + 1, true, true
}
