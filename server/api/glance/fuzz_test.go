package glance

import (
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
)

// FuzzByteRange proves that what is answered of a Range lies in the image.
func FuzzByteRange(f *testing.F) {
	for _, h := range []string{"bytes=0-0", "bytes=-5", "bytes=5-", "bytes=9223372036854775807-", "bytes=0-9223372036854775807", "bytes=-0", "bytes=1-0", "bytes=0-1,3-4", "bytes= 1 - 2"} {
		f.Add(h, int64(10))
		f.Add(h, int64(0))
	}
	f.Fuzz(func(t *testing.T, header string, size int64) {
		if size < 0 {
			return
		}
		first, n, asked, ok := byteRange(header, size)
		if ok && !asked || asked && ok && (first < 0 || n < 1 || first > size-n) {
			t.Fatalf("%q of %d bytes: %d from %d, %v, %v", header, size, n, first, asked, ok)
		}
	})
}

// FuzzFilter proves that a query is refused with a word for the user, or answered.
func FuzzFilter(f *testing.F) {
	for _, q := range [][2]string{{"name", `in:a,"b, \"c"`}, {"name", `in:"`}, {"created_at", "gt:2015-01-01T00:00:00Z"}, {"size_min", "-1"}, {"visibility", "all"}, {"os_hidden", "TRUE"}, {"hw_x", "y"}, {"tag", ""}} {
		f.Add(q[0], q[1])
	}
	i := image.Image{Name: "b, \"c", Visibility: image.Public, Properties: map[string]string{"hw_x": "y"}, CreatedAt: time.Unix(1, 0)}
	f.Fuzz(func(t *testing.T, name, value string) {
		q := filter{caller: cloud.Caller{ProjectID: "p"}}
		if err := q.add(name, value); err != nil && !cloud.Is(err, cloud.Invalid) {
			t.Fatalf("%s=%s: %v", name, value, err)
		} else if err == nil {
			_ = q.keeps(i)
		}
	})
}
