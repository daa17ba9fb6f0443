package glance

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/statestore"
)

// filter is which images a list shows.
type filter struct {
	caller cloud.Caller
	state  *statestore.Snapshot
	tests  []func(image.Image) bool

	visibility   string // "" as a user expects, "all" without regard
	memberStatus string // of images shared with the caller: accepted unless told otherwise
	hidden       bool
	explicit     bool // the query names ids or an owner
}

// newFilter reads a list's query. What is no parameter of Glance's is a property.
func newFilter(rq *front.Request, q url.Values) (*filter, error) {
	f := &filter{caller: rq.Caller, state: rq.Read(), memberStatus: string(image.Accepted), explicit: q.Has("id") || q.Has("owner")}
	for name, values := range q {
		for _, v := range values {
			if err := f.add(name, v); err != nil {
				return nil, err
			}
		}
	}
	return f, nil
}

func (f *filter) test(t func(image.Image) bool) { f.tests = append(f.tests, t) }

func (f *filter) add(name, v string) error {
	switch name {
	case "limit", "marker", "sort", "sort_key", "sort_dir":
		return nil
	case "changes-since":
		return cloud.Errorf(cloud.Invalid, "image", "The \"changes-since\" filter is no longer available on v2.")
	case "visibility":
		f.visibility = v
		return oneOf(name, v, "public", "private", "shared", "community", "all")
	case "member_status":
		f.memberStatus = v
		return oneOf(name, v, "accepted", "pending", "rejected", "all")
	case "os_hidden":
		f.hidden = strings.EqualFold(v, "true")
		return oneOf(name, strings.ToLower(v), "true", "false")
	case "protected":
		f.test(func(i image.Image) bool { return i.Protected == (v == "true") })
		return oneOf(name, v, "true", "false")
	case "tag":
		f.test(func(i image.Image) bool { return slices.Contains(i.Tags, v) })
		return nil
	case "created_at":
		return f.time(name, v, func(i image.Image) time.Time { return i.CreatedAt })
	case "updated_at":
		return f.time(name, v, func(i image.Image) time.Time { return i.UpdatedAt })
	case "size_min", "size_max", "min_disk", "min_ram", "size", "virtual_size":
		return f.number(name, v)
	}
	return f.text(name, v)
}

func oneOf(name, v string, allowed ...string) error {
	if slices.Contains(allowed, v) {
		return nil
	}
	return cloud.Errorf(cloud.Invalid, "image", "Invalid %s value: %.100q. It must be one of %s.", name, v, strings.Join(allowed, ", "))
}

func (f *filter) number(name, v string) error {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		return cloud.Errorf(cloud.Invalid, "image", "Invalid %s value: %.100q is not a number from 0.", name, v)
	}
	f.test(func(i image.Image) bool {
		switch name {
		case "size_min":
			return i.HasData() && i.Size >= n
		case "size_max":
			return i.HasData() && i.Size <= n
		case "min_disk":
			return int64(i.MinDisk) == n
		case "min_ram":
			return int64(i.MinRAM) == n
		case "size":
			return i.HasData() && i.Size == n
		}
		return i.HasData() && i.VirtualSize == n
	})
	return nil
}

// texts are the members that a query compares as strings, and may compare with
// several: name=in:a,"b, c".
var texts = map[string]func(image.Image) string{
	"id":               func(i image.Image) string { return i.ID },
	"name":             func(i image.Image) string { return i.Name },
	"status":           func(i image.Image) string { return string(i.Status) },
	"owner":            func(i image.Image) string { return i.ProjectID },
	"container_format": func(i image.Image) string { return i.ContainerFormat },
	"disk_format":      func(i image.Image) string { return i.DiskFormat },
	"checksum":         func(i image.Image) string { return i.MD5 },
	"os_hash_value":    func(i image.Image) string { return i.SHA512 },
}

func (f *filter) text(name, v string) error {
	get := texts[name]
	if get == nil {
		f.test(func(i image.Image) bool { p, ok := i.Properties[name]; return ok && p == v })
		return nil
	}
	list, many := strings.CutPrefix(v, "in:")
	if !many {
		f.test(func(i image.Image) bool { return get(i) == v })
		return nil
	}
	wanted, err := split(list)
	if err != nil {
		return err
	}
	f.test(func(i image.Image) bool { return slices.Contains(wanted, get(i)) })
	return nil
}

// split cuts a list at commas outside of double quotes, in which a backslash escapes.
func split(list string) (parts []string, err error) {
	var b strings.Builder
	quoted, escaped := false, false
	for _, r := range list {
		switch {
		case escaped:
			b.WriteRune(r)
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		case r == ',' && !quoted:
			parts = append(parts, b.String())
			b.Reset()
		default:
			b.WriteRune(r)
		}
	}
	if quoted || escaped {
		return nil, cloud.Errorf(cloud.Invalid, "image", "Invalid filter value in:%.100s. The quote is not closed.", list)
	}
	return append(parts, b.String()), nil
}

// time reads a comparison with a time: gt:2015-01-01T00:00:00Z. Times on the
// wire have whole seconds, and so they are compared.
func (f *filter) time(name, v string, get func(image.Image) time.Time) error {
	op, text, found := strings.Cut(v, ":")
	holds := map[string]func(int) bool{
		"gt": func(c int) bool { return c > 0 }, "gte": func(c int) bool { return c >= 0 }, "lt": func(c int) bool { return c < 0 },
		"lte": func(c int) bool { return c <= 0 }, "eq": func(c int) bool { return c == 0 }, "neq": func(c int) bool { return c != 0 },
	}[op]
	if !found || holds == nil {
		text, holds = v, func(c int) bool { return c == 0 }
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
		at, err := time.Parse(layout, text)
		if err == nil {
			f.test(func(i image.Image) bool { return holds(get(i).Truncate(time.Second).Compare(at)) })
			return nil
		}
	}
	return cloud.Errorf(cloud.Invalid, "image", "Invalid %s value: %.100q. It must be a time such as 2015-01-01T00:00:00Z, after one of gt:, gte:, lt:, lte:, eq:, neq:.", name, v)
}

// keeps reports whether a list shows an image that the caller may see.
func (f *filter) keeps(i image.Image) bool {
	if i.Hidden != f.hidden || !f.shows(i) {
		return false
	}
	for _, t := range f.tests {
		if !t(i) {
			return false
		}
	}
	return true
}

// shows applies visibility and member_status. Unasked, a list leaves out the
// community's images of others, and what is shared but not accepted.
func (f *filter) shows(i image.Image) bool {
	own := f.caller.Owns(i.ProjectID)
	if f.visibility != "" && f.visibility != "all" && string(i.Visibility) != f.visibility {
		return false
	}
	switch {
	case own:
		return true
	case i.Visibility == image.Community:
		return f.visibility != "" || f.explicit
	case i.Visibility == image.Shared && image.Offered(f.state, f.caller, i):
		m, _ := image.Members.Get(f.state, statestore.Key(i.ID, f.caller.ProjectID))
		return f.caller.Admin() || f.memberStatus == "all" || string(m.Status) == f.memberStatus
	}
	return true
}
