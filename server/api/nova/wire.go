package nova

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// null is a member that is there and null.
var null = jsontext.Value("null")

// items are names with values, none of them null: metadata, extra specs.
type items map[string]*string

// at returns the items as plain strings; at is where in the request they are.
func (m items) at(at string) (map[string]string, error) {
	if m == nil {
		return nil, nil
	}
	out := make(map[string]string, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if m[name] == nil {
			return nil, cloud.Errorf(cloud.Invalid, "", "Invalid input for field %s: null is not of type 'string'.", strings.TrimPrefix(at+"/"+name, "/")).At(at + "/" + name)
		}
		out[name] = *m[name]
	}
	return out, nil
}

// orNull renders a string, null if it is empty.
func orNull(s string) any {
	if s == "" {
		return null
	}
	return s
}

// stamp renders a time as Nova does: seconds, with Z.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// longStamp renders a time with microseconds and without zone, null if it is zero.
func longStamp(t time.Time) any {
	if t.IsZero() {
		return null
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000")
}

// integer is a number that may come as a string of digits, as Nova's schemas allow.
type integer int

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (n *integer) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	i, err := strconv.Atoi(strings.Trim(string(v), `"`))
	if err != nil {
		return fmt.Errorf("%s is not of type 'integer'", v)
	}
	*n = integer(i)
	return nil
}

// boolean is a truth that may come as one of the strings that Nova takes for one.
type boolean bool

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (b *boolean) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	t, ok := truth(strings.Trim(string(v), `"`))
	if !ok {
		return fmt.Errorf("%s is not one of True, 'True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes', False, 'False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no'", v)
	}
	*b = boolean(t)
	return nil
}

func truth(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true", "1", "on", "yes", "t", "y":
		return true, true
	case "false", "0", "off", "no", "f", "n", "":
		return false, true
	}
	return false, false
}

// strings or one string: scheduler hints take either.
type stringOrList []string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *stringOrList) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	switch v.Kind() {
	case '[':
		var many []string
		if err := json.Unmarshal(v, &many); err != nil {
			return fmt.Errorf("%s is not a list of strings", v)
		}
		*l = many
	case '"':
		var one string
		if err := json.Unmarshal(v, &one); err != nil {
			return err
		}
		*l = []string{one}
	case 'n':
		*l = nil
	default:
		*l = []string{string(v)} // a number, a query object: kept as it is
	}
	return nil
}

// deref returns what p points at, the zero value for nil.
func deref[T any](p *T) (zero T) {
	if p == nil {
		return zero
	}
	return *p
}
