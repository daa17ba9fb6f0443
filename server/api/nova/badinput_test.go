package nova

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/statestore"

	"github.com/cloudlet/cloudlet/server/network"
)

// What is wrong with a create request is told with its place in it, and nothing
// is made of it.
func TestServerCreateRefusals(t *testing.T) {
	w := newWorld(t)
	var bobs network.Network
	w.write(func(tx *statestore.Txn) (err error) {
		bobs, err = network.NetworkCreate(tx, people["bob"], network.NetworkSpec{Name: "bob's"})
		return err
	})
	base := map[string]string{"name": `"x"`, "imageRef": `"img"`, "flavorRef": `"1"`, "networks": `"none"`}
	for _, c := range []struct {
		at, member, value string
		status            int
		field, says       string
	}{
		{"ann@2.90", "name", `7`, 400, "/server/name", "a number is not of type 'string'"},
		{"ann@2.90", "name", `null`, 400, "/server/name", "1 to 255"},
		{"ann@2.90", "name", `"` + strings.Repeat("x", 256) + `"`, 400, "/server/name", "1 to 255"},
		{"ann@2.90", "flavorRef", `{}`, 400, "/server/flavorRef", "not of type 'string'"},
		{"ann@2.90", "flavorRef", `"none"`, 400, "/server/flavorRef", "flavor none could not be found"},
		{"ann@2.90", "imageRef", `["img"]`, 400, "/server/imageRef", "not of type 'string'"},
		{"ann@2.90", "imageRef", `"none"`, 400, "/server/imageRef", "image none could not be found"},
		{"ann@2.90", "imageRef", `""`, 400, "/server/imageRef", "an image is required"},
		{"ann@2.90", "networks", `"some"`, 400, "/server/networks", "'auto', 'none'"},
		{"ann@2.90", "networks", `{}`, 400, "/server/networks", ""},
		{"ann@2.90", "networks", `[{"uuid":7}]`, 400, "/server/networks/0/uuid", "not of type 'string'"},
		{"ann@2.90", "networks", `[{"net":"x"}]`, 400, "/server/networks/0/net", "'net' was unexpected"},
		{"ann@2.90", "networks", `[{}]`, 400, "/server/networks/0", "a uuid or a port"},
		{"ann@2.90", "networks", `[{"uuid":"` + w.network + `"},{"uuid":"` + bobs.ID + `"}]`, 400, "/server/networks/1/uuid", "could not be found"},
		{"ann@2.90", "networks", `[{"port":"none"}]`, 400, "/server/networks/0/port", "could not be found"},
		{"ann@2.90", "networks", `[{"uuid":"` + w.network + `","fixed_ip":"10.2.0.1"}]`, 400, "/server/networks/0/fixed_ip", ""},
		{"ann@2.36", "networks", `"auto"`, 400, "/server/networks", "'auto' is not of type 'array'"},
		{"ann@2.90", "metadata", `{"k":7}`, 400, "/server/metadata/k", "not of type 'string'"},
		{"ann@2.90", "metadata", `{"k":null}`, 400, "/server/metadata/k", "null is not of type 'string'"},
		{"ann@2.90", "metadata", `[]`, 400, "/server/metadata", "not of type 'object'"},
		{"ann@2.90", "tags", `["a/b"]`, 400, "/server/tags", "without"},
		{"ann@2.51", "tags", `["a"]`, 400, "/server/tags", "'tags' was unexpected"},
		{"ann@2.18", "description", `"d"`, 400, "/server/description", "'description' was unexpected"},
		{"ann@2.89", "hostname", `"h"`, 400, "/server/hostname", "'hostname' was unexpected"},
		{"ann@2.90", "hostname", `"-h"`, 400, "/server/hostname", "RFC 1123"},
		{"ann@2.73", "host", `"h1"`, 400, "/server/host", "'host' was unexpected"},
		{"ann@2.74", "host", `"h1"`, 403, "", "compute:instance:create_on"},
		{"ann@2.90", "availability_zone", `"nova:h1"`, 403, "", "compute:instance:create_on"},
		{"admin@2.74", "host", `"none"`, 400, "/server/host", "none could not be found"},
		{"ann@2.90", "availability_zone", `"mars"`, 400, "/server/availability_zone", "there is no zone mars"},
		{"ann@2.90", "user_data", `"#!/bin/sh"`, 400, "/server/user_data", "base 64"},
		{"ann@2.90", "user_data", `"` + strings.Repeat("A", 65536) + `"`, 400, "/server/user_data", "65536 characters"},
		{"ann@2.90", "key_name", `"none"`, 400, "/server/key_name", "keypair none not found"},
		{"ann@2.90", "config_drive", `"maybe"`, 400, "/server/config_drive", "is not one of True"},
		{"ann@2.90", "min_count", `0`, 400, "/server/min_count", "at least 1"},
		{"ann@2.90", "min_count", `"two"`, 400, "/server/min_count", "not of type 'integer'"},
		{"ann@2.90", "max_count", `-1`, 400, "/server/min_count", "at least 1"},
		{"ann@2.90", "security_groups", `[{"name":"none"}]`, 400, "/server/security_groups/0/name", "none not found"},
		{"ann@2.90", "security_groups", `[{"id":"x"}]`, 400, "/server/security_groups/0/id", "'id' was unexpected"},
		{"ann@2.90", "security_groups", `["default"]`, 400, "/server/security_groups/0", "not of type 'object'"},
		{"ann@2.90", "block_device_mapping_v2", `[{"source_type":"volume","uuid":"x","boot_index":0}]`, 400, "/server/block_device_mapping_v2/0", "no volumes"},
		{"ann@2.90", "personality", `[{"path":"/x"}]`, 400, "/server/personality", "not offered"},
		{"ann@2.90", "trusted_image_certificates", `["x"]`, 400, "/server/trusted_image_certificates", "not offered"},
		{"ann@2.90", "accessIPv4", `"2001:db8::1"`, 400, "/server/accessIPv4", "IPv4"},
		{"ann@2.90", "OS-DCF:diskConfig", `"SOME"`, 400, "/server/OS-DCF:diskConfig", "is not one of"},
		{"ann@2.90", "colour", `"red"`, 400, "/server/colour", "'colour' was unexpected"},
		{"rita@2.90", "name", `"x"`, 403, "", "compute:instance:create"},
		{"nobody@2.90", "name", `"x"`, 403, "", ""},
	} {
		before := w.revision()
		var members []string
		for name, value := range base {
			if name != c.member {
				members = append(members, fmt.Sprintf("%q:%s", name, value))
			}
		}
		if c.at == "ann@2.18" || c.at == "ann@2.36" {
			members = members[:0]
			for _, name := range []string{"imageRef", "flavorRef"} {
				members = append(members, fmt.Sprintf("%q:%s", name, base[name]))
			}
			members = append(members, `"name":"x"`)
		}
		members = append(members, fmt.Sprintf("%q:%s", c.member, c.value))
		w.post(c.at, "/servers", `{"server":{`+strings.Join(members, ",")+`}}`).fails(c.status, c.field, c.says)
		if w.revision() != before {
			t.Errorf("%s %s: something changed", c.member, c.value)
		}
	}
	for _, c := range []struct{ at, body, field, says string }{
		{"ann@2.37", `{"server":{"name":"x","imageRef":"img","flavorRef":"1"}}`, "/server/networks", "'networks' is a required property"},
		{"ann", `{}`, "/server/name", ""},
		{"ann", `{"server":[]}`, "/server", "not of type 'object'"},
		{"ann", `{"sever":{}}`, "/sever", "'sever' was unexpected"},
		{"ann", `{"server":{"name":"x","name":"y"}}`, "/server/name", "twice"},
		{"ann", `{"server":`, "", "Malformed JSON"},
		{"ann", ``, "", "empty"},
		{"ann", `{"server":{"name":"x","imageRef":"img","flavorRef":"1"},"os:scheduler_hints":{"group":"none"}}`, "/os:scheduler_hints/group", "none could not be found"},
	} {
		before := w.revision()
		w.post(c.at, "/servers", c.body).fails(400, c.field, c.says)
		if w.revision() != before {
			t.Errorf("%s: something changed", c.body)
		}
	}
}

// One project neither sees, changes nor guesses another's.
func TestIsolation(t *testing.T) {
	w := newWorld(t)
	id := w.running("ann@2.26", "secret-name", `"metadata":{"k":"v"}`)
	port := w.get("ann", "/servers/"+id+"/os-interface").text("interfaceAttachments/0/port_id")
	before := w.revision()
	for _, c := range []struct{ method, path, body string }{
		{"GET", "", ""}, {"PUT", "", `{"server":{"name":"x"}}`}, {"DELETE", "", ""}, {"POST", "/action", `{"os-stop":null}`},
		{"POST", "/action", `{"os-getConsoleOutput":{}}`}, {"GET", "/ips", ""}, {"GET", "/metadata", ""}, {"GET", "/metadata/k", ""}, {"PUT", "/metadata/k", `{"meta":{"k":"x"}}`},
		{"DELETE", "/metadata/k", ""}, {"GET", "/tags", ""}, {"PUT", "/tags/x", ""}, {"GET", "/os-interface", ""}, {"POST", "/os-interface", `{"interfaceAttachment":{}}`},
		{"DELETE", "/os-interface/" + port, ""}, {"GET", "/os-instance-actions", ""}, {"GET", "/os-security-groups", ""},
	} {
		own := w.call("bob@2.26", c.method, "/v2.1/servers/"+id+c.path, c.body)
		own.fails(404, "", "")
		none := w.call("bob@2.26", c.method, "/v2.1/servers/11111111-1111-4111-8111-111111111111"+c.path, c.body)
		if strings.ReplaceAll(own.raw, id, "ID") != strings.ReplaceAll(none.raw, "11111111-1111-4111-8111-111111111111", "ID") {
			t.Errorf("%s %s: what is another's answers otherwise than what is not there:\n%s\n%s", c.method, c.path, own.raw, none.raw)
		}
	}
	if a := w.get("bob", "/servers/detail"); len(a.column("servers", "id")) != 0 || strings.Contains(a.raw, "secret") {
		t.Errorf("%s", a.raw)
	}
	w.post("bob", "/servers", `{"server":{"name":"x","imageRef":"img","flavorRef":"1","networks":[{"port":"`+port+`"}]}}`).fails(400, "/server/networks/0/port", "could not be found")
	if w.revision() != before {
		t.Error("something changed")
	}
	w.get("rita", "/servers/"+id)
	w.get("admin", "/servers/"+id)
}
