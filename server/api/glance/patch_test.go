package glance

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
)

// FuzzPatch feeds any body to the operations. None panics, every refusal is for
// the user, and no property takes the name of a member of the image (I2).
func FuzzPatch(f *testing.F) {
	for _, s := range []string{`[{"op":"add","path":"/a","value":"b"}]`, `[{"replace":"/name","value":null}]`, `[{"op":"remove","path":"/tags/0"}]`,
		`[{"op":"add","path":"/tags/-","value":"x"},{"op":"replace","path":"/tags/9","value":"y"}]`, `[{"op":"replace","path":"/self","value":"x"}]`,
		`[{"op":"add","path":"/a~1b~0","value":"b"}]`, `[{"op":"add","path":"//","value":"b"}]`, `[{"op":3}]`} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	was := image.Image{Tags: []string{"a", "b"}, Properties: map[string]string{"p": "1"}}
	f.Fuzz(func(t *testing.T, body []byte, old bool) {
		var ops []map[string]jsontext.Value
		if front.DecodeJSON(body, &ops) != nil {
			return
		}
		d := draft{properties: maps.Clone(was.Properties)}
		for _, b := range ops {
			o, err := parse(b, old)
			if err == nil {
				err = d.apply(was, o, old)
			}
			if err != nil {
				if cloud.KindOf(err) == cloud.Internal {
					t.Fatalf("%s: %v", body, err)
				}
				return
			}
		}
		for name := range d.properties {
			if slices.Contains(base, name) || slices.Contains(readOnly, name) || slices.Contains(reserved, name) || strings.HasPrefix(name, reservedPrefix) {
				t.Fatalf("%s makes a property %q", body, name)
			}
		}
		if !slices.Equal(was.Tags, []string{"a", "b"}) || len(was.Properties) != 1 {
			t.Fatalf("%s changes the stored image", body)
		}
	})
}

func TestSplit(t *testing.T) {
	for list, want := range map[string][]string{"a,b": {"a", "b"}, `"a,b",c`: {"a,b", "c"}, `"say \"hi\""`: {`say "hi"`}, "": {""}} {
		if got, err := split(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", list, got, err)
		}
	}
}
