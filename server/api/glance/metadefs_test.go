package glance

import (
	"fmt"
	"testing"
)

func TestNamespaces(t *testing.T) {
	w := newWorld(t)
	const ns = "/v2/metadefs/namespaces"
	whole := `{"namespace":"n","display_name":"N","visibility":"public","protected":true,
		"resource_type_associations":[{"name":"OS::Glance::Image","prefix":"hw_"},{"name":"Our::Thing"}],
		"properties":{"cpus":{"title":"CPUs","type":"integer","minimum":1}},
		"objects":[{"name":"o","required":[],"properties":{"p":{"title":"P","type":"string","enum":["a","b"]}}}],
		"tags":[{"name":"t1"},{"name":"t2"}]}`
	w.want(403, "ann", "POST", ns, whole)
	a := w.want(201, "admin", "POST", ns, whole)
	if a.header.Get("Location") != w.url+"/image"+ns+"/n" {
		t.Errorf("%v", a.header)
	}
	w.want(409, "admin", "POST", ns, whole)
	got := w.want(200, "ann", "GET", ns+"/n?resource_type=OS::Glance::Image", nil).json
	if fmt.Sprint(got["properties"]) != "map[hw_cpus:map[minimum:1 title:CPUs type:integer]]" || fmt.Sprint(got["tags"]) != "[map[name:t1] map[name:t2]]" ||
		len(got["objects"].([]any)) != 1 || len(got["resource_type_associations"].([]any)) != 2 {
		t.Errorf("%v", got)
	}
	types := w.want(200, "ann", "GET", "/v2/metadefs/resource_types", nil).json["resource_types"].([]any)
	if len(types) != 6 {
		t.Errorf("%v", types)
	}
	w.want(403, "admin", "DELETE", ns+"/n", nil)
	up := w.want(200, "admin", "PUT", ns+"/n", `{"namespace":"m","visibility":"private","description":"d"}`).json
	if up["namespace"] != "m" || up["protected"] != false || up["display_name"] != nil {
		t.Errorf("%v", up)
	}
	w.want(404, "admin", "GET", ns+"/n", nil)
	w.want(404, "ann", "GET", ns+"/m", nil)
	w.want(404, "ann", "GET", ns+"/m/tags", nil)
	if l := w.want(200, "ann", "GET", ns, nil).json["namespaces"].([]any); len(l) != 0 {
		t.Errorf("%v", l)
	}
	w.want(201, "admin", "POST", ns, `{"namespace":"k","visibility":"public","resource_type_associations":[{"name":"OS::Nova::Flavor"}]}`)
	for q, want := range map[string]int{"": 2, "?visibility=public": 1, "?resource_types=Our::Thing,X": 1, "?resource_types=X": 0, "?limit=1": 1, "?sort_key=namespace&sort_dir=asc&marker=k": 1} {
		l := w.want(200, "admin", "GET", ns+q, nil)
		if len(l.json["namespaces"].([]any)) != want || q == "?limit=1" && l.json["next"] == nil {
			t.Errorf("%s: %s", q, l.body)
		}
	}
	w.want(400, "admin", "GET", ns+"?visibility=shared", nil)
	for _, bad := range []string{`{}`, `{"namespace":""}`, `{"namespace":"x","visibility":"shared"}`, `{"namespace":"x","colour":"red"}`, `{"namespace":"a/b"}`,
		`{"namespace":"x","properties":{"p":{"title":"P","type":"bytes"}}}`, `{"namespace":"x","properties":{"p":{"type":"string"}}}`} {
		w.want(400, "admin", "POST", ns, bad)
	}
	w.want(204, "admin", "DELETE", ns+"/m", nil)
	w.want(404, "admin", "GET", ns+"/m/objects", nil)
}

func TestMetadefParts(t *testing.T) {
	w := newWorld(t)
	const ns = "/v2/metadefs/namespaces/n"
	w.want(201, "admin", "POST", "/v2/metadefs/namespaces", `{"namespace":"n","visibility":"public"}`)
	bodies := map[string][2]string{
		"objects":    {`{"name":"a","description":"d"}`, `{"name":"b"}`},
		"properties": {`{"name":"a","title":"A","type":"string"}`, `{"name":"b","title":"B","type":"array","items":{"type":"string"}}`},
	}
	for part, b := range bodies {
		w.want(403, "ann", "POST", ns+"/"+part, b[0])
		w.want(201, "admin", "POST", ns+"/"+part, b[0])
		w.want(409, "admin", "POST", ns+"/"+part, b[0])
		w.want(400, "admin", "POST", ns+"/"+part, `{"title":"X","type":"string","name":""}`)
		w.want(200, "ann", "GET", ns+"/"+part+"/a", nil)
		if x := w.want(200, "admin", "PUT", ns+"/"+part+"/a", b[1]).json; x["name"] != "b" {
			t.Errorf("%v", x)
		}
		w.want(404, "ann", "GET", ns+"/"+part+"/a", nil)
		w.want(404, "admin", "PUT", ns+"/"+part+"/a", b[1])
		if l := w.want(200, "ann", "GET", ns+"/"+part, nil); fmt.Sprint(l.json[part]) == "[]" {
			t.Errorf("%s", l.body)
		}
		w.want(204, "admin", "DELETE", ns+"/"+part+"/b", nil)
		w.want(404, "admin", "DELETE", ns+"/"+part+"/b", nil)
		w.want(201, "admin", "POST", ns+"/"+part, b[0])
		w.want(204, "admin", "DELETE", ns+"/"+part, nil)
		w.want(404, "ann", "GET", ns+"/"+part+"/a", nil)
	}
	w.want(201, "admin", "POST", ns+"/tags", `{"tags":[{"name":"x"},{"name":"y"}]}`)
	w.want(201, "admin", "POST", ns+"/tags", `{"tags":[{"name":"z"}]}`, "X-Openstack-Append", "True")
	w.want(201, "admin", "POST", ns+"/tags/q", nil)
	w.want(409, "admin", "POST", ns+"/tags/q", `{}`)
	w.want(200, "admin", "PUT", ns+"/tags/q", `{"name":"r"}`)
	w.want(409, "admin", "PUT", ns+"/tags/r", `{"name":"x"}`)
	w.want(204, "admin", "DELETE", ns+"/tags/r", nil)
	if l := w.want(200, "ann", "GET", ns+"/tags", nil).json["tags"]; fmt.Sprint(l) != "[map[name:x] map[name:y] map[name:z]]" {
		t.Errorf("%v", l)
	}
	w.want(400, "admin", "POST", ns+"/tags", `{"tags":[{"name":""}]}`)
	w.want(201, "admin", "POST", ns+"/resource_types", `{"name":"OS::Nova::Flavor","prefix":"hw:","properties_target":"extra_specs"}`)
	w.want(409, "admin", "POST", ns+"/resource_types", `{"name":"OS::Nova::Flavor"}`)
	if l := w.want(200, "ann", "GET", ns+"/resource_types", nil).json["resource_type_associations"].([]any); len(l) != 1 {
		t.Errorf("%v", l)
	}
	w.want(204, "admin", "DELETE", ns+"/resource_types/OS::Nova::Flavor", nil)
	for _, s := range []string{"namespace", "namespaces", "object", "objects", "property", "properties", "tag", "tags"} {
		if a := w.want(200, "ann", "GET", "/v2/schemas/metadefs/"+s, nil); a.json["name"] != s {
			t.Errorf("schema %s is called %v", s, a.json["name"])
		}
	}
}
