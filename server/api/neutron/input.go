package neutron

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// input is one object of a request's body. Its methods return an attribute's
// value, nil if it is not given or null, and note the first one that is ill-typed.
type input struct {
	at      string // JSON pointer of the object in the body
	given   map[string]jsontext.Value
	project string       // the owner of what is created
	err     *cloud.Error // the first fault; its field is relative to the object

	parent *input // of an object in an attribute: the resource's, which notes faults
	path   string // and where it is there: "fixed_ips/0"
}

// fail notes that an attribute has a wrong value.
func (in *input) fail(name, format string, args ...any) {
	if in.parent != nil {
		in.parent.fail(in.path+"/"+name, format, args...)
		return
	}
	if in.err != nil {
		return
	}
	top, _, _ := strings.Cut(name, "/")
	in.err = &cloud.Error{Kind: cloud.Invalid, Field: "/" + name, Msg: "Invalid input for " + top + ". Reason: " + fmt.Sprintf(format, args...) + "."}
}

// fault returns the first fault, if any.
func (in *input) fault() error {
	if in.err == nil {
		return nil
	}
	return in.err
}

// has reports whether the attribute is given, be it null.
func (in *input) has(name string) bool { _, ok := in.given[name]; return ok }

// raw returns the attribute's value; false if it is not given or null.
func (in *input) raw(name string) (jsontext.Value, bool) {
	v, ok := in.given[name]
	return v, ok && !null(v)
}

// null reports whether a JSON value is null.
func null(v jsontext.Value) bool { return v.Kind() == 'n' }

// stringOf returns a JSON string's text.
func stringOf(v jsontext.Value) (string, bool) {
	if v.Kind() != '"' {
		return "", false
	}
	b, err := jsontext.AppendUnquote(nil, v)
	return string(b), err == nil
}

// text returns a string; null is none that a text can be.
func (in *input) text(name string) *string {
	if in.has(name) && null(in.given[name]) {
		in.fail(name, "'None' is not a valid string")
		return nil
	}
	return in.id(name)
}

// id returns a string that may be null.
func (in *input) id(name string) *string {
	v, ok := in.raw(name)
	if !ok {
		return nil
	}
	s, ok := stringOf(v)
	if !ok {
		in.fail(name, "'%s' is not a valid string", v)
		return nil
	}
	return &s
}

// truth returns a boolean, which may come as a string or as 0 or 1.
func (in *input) truth(name string) *bool {
	if !in.has(name) {
		return nil
	}
	b, ok := truth(strings.Trim(string(in.given[name]), `"`))
	if !ok {
		in.fail(name, "'%s' cannot be converted to boolean", strings.Trim(string(in.given[name]), `"`))
		return nil
	}
	return &b
}

func truth(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

// number returns an integer, which may come as a string.
func (in *input) number(name string) *int {
	v, ok := in.raw(name)
	if !ok {
		return nil
	}
	n, err := strconv.Atoi(strings.Trim(string(v), `"`))
	if err != nil {
		in.fail(name, "'%s' is not an integer", strings.Trim(string(v), `"`))
		return nil
	}
	return &n
}

// texts returns a list of strings.
func (in *input) texts(name string) *[]string {
	v, ok := in.raw(name)
	if !ok {
		return nil
	}
	var list []jsontext.Value
	if json.Unmarshal(v, &list) != nil {
		in.fail(name, "'%s' is not a list", v)
		return nil
	}
	out := make([]string, len(list))
	for i, e := range list {
		s, ok := stringOf(e)
		if !ok {
			in.fail(name+"/"+strconv.Itoa(i), "'%s' is not a valid string", e)
			return nil
		}
		out[i] = s
	}
	return &out
}

// objects returns a list of objects that have no other members than those named.
func (in *input) objects(name string, members ...string) (list []*input, given bool) {
	v, ok := in.raw(name)
	if !ok {
		return nil, false
	}
	var raws []jsontext.Value
	if json.Unmarshal(v, &raws) != nil {
		in.fail(name, "'%s' is not a list", v)
		return nil, true
	}
	for i, raw := range raws {
		o := &input{parent: in, path: name + "/" + strconv.Itoa(i)}
		if json.Unmarshal(raw, &o.given) != nil || o.given == nil {
			in.fail(o.path, "'%s' is not a dictionary", raw)
			return nil, true
		}
		for _, k := range slices.Sorted(maps.Keys(o.given)) {
			if !slices.Contains(members, k) {
				o.fail(pointer(k), "Unexpected keys supplied: %s", k)
			}
		}
		list = append(list, o)
	}
	return list, true
}

// address returns an IP address; null is the zero Addr.
func (in *input) address(name string) *netip.Addr {
	if in.has(name) && null(in.given[name]) {
		return &netip.Addr{}
	}
	s := in.id(name)
	if s == nil {
		return nil
	}
	a, ok := in.parseAddress(name, *s)
	if !ok {
		return nil
	}
	return &a
}

func (in *input) parseAddress(name, s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		in.fail(name, "'%s' is not a valid IP address", s)
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

// prefix returns a CIDR; a plain address is one of full length, if that is allowed.
func (in *input) prefix(name string, plain bool) netip.Prefix {
	s := in.id(name)
	if s == nil {
		return netip.Prefix{}
	}
	if a, err := netip.ParseAddr(*s); plain && err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen())
	}
	p, err := netip.ParsePrefix(*s)
	if err != nil {
		in.fail(name, "'%s' is not a valid IP subnet", *s)
	}
	return p
}

// pointer escapes a name for a JSON pointer (RFC 6901).
func pointer(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

// locate makes the field of an error one of the request's body. In a bulk
// request an error without a field is that of the whole object.
func (in *input) locate(err error, bulk bool) error {
	e := cloud.AsError(err)
	if e == nil || e.Kind == cloud.Internal || e.Field == "" && !bulk {
		return err
	}
	return e.At(in.at + e.Field)
}
