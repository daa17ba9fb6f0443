package glance

import (
	"reflect"
	"testing"

	"github.com/cloudlet/cloudlet/server/image"
)

// TestSchemaOfImages holds the schema of images to what images are: clients check
// what they send and get by it, and make options of their commands from it.
func TestSchemaOfImages(t *testing.T) {
	w := newWorld(t)
	s := w.want(200, "ann", "GET", "/v2/schemas/image", nil).json
	of := s["properties"].(map[string]any)
	enum := func(name string) (values []string) {
		for _, v := range of[name].(map[string]any)["enum"].([]any) {
			if v != nil {
				values = append(values, v.(string))
			}
		}
		return values
	}
	if got := enum("disk_format"); !reflect.DeepEqual(got, image.DiskFormats) {
		t.Errorf("disk_format %v", got)
	}
	if got := enum("container_format"); !reflect.DeepEqual(got, image.ContainerFormats) {
		t.Errorf("container_format %v", got)
	}
	i := w.want(200, "ann", "GET", "/v2/images/"+w.create("ann", `{"name":"i","color":"red"}`), nil).json
	i["locations"], i["direct_url"] = []any{}, "http://x" // shown if the administrator wants it
	for name, v := range i {
		property, known := of[name].(map[string]any)
		if _, text := v.(string); !known && !text {
			t.Errorf("%s is in no schema, and %v is no string", name, v)
		}
		if _, list := v.([]any); known && list != (property["type"] == "array") {
			t.Errorf("%s is of type %v, and is %v", name, property["type"], v)
		}
	}
	all := w.want(200, "ann", "GET", "/v2/schemas/images", nil).json["properties"].(map[string]any)["images"].(map[string]any)
	if !reflect.DeepEqual(all["items"], any(s)) {
		t.Error("the schema of a list is one of other images")
	}
}
