package image

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func TestFormat(t *testing.T) {
	iso := make([]byte, 0x8006)
	copy(iso[0x8001:], "CD001")
	for want, head := range map[string]string{
		"qcow2": "QFI\xfb\x00\x00\x00\x03rest", "vmdk": "KDMV\x01", "vhdx": "vhdxfile", "vhd": "conectix", "iso": string(iso), "raw": "QFI\xfb",
	} {
		if got := format([]byte(head)); got != want {
			t.Errorf("%.8q: got %s, want %s", head, got, want)
		}
	}
}

func TestExamine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(file, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := examine(file)
	// FIPS 180-2, appendix C.1.
	want := content{SHA512: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f", Size: 3, Format: "raw", Disk: 3}
	if err != nil || got != want {
		t.Errorf("got %v, %v", got, err)
	}
	if err := os.WriteFile(file, []byte("QFI\xfb\x00\x00\x00\x03"+strings.Repeat("\x00", 16)+"\x00\x00\x00\x00\xc0\x00\x00\x01"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := examine(file); err != nil || got.Format != "qcow2" || got.Disk != 3<<30+1 || got.minDisk() != 4 {
		t.Errorf("got %v, %v", got, err)
	}
	if err := os.Truncate(file, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := examine(file); err == nil {
		t.Error("an empty file is accepted")
	}
	if _, err := examine(t.TempDir()); err == nil {
		t.Error("a directory is accepted")
	}
}

func TestPropertiesAreToldApart(t *testing.T) {
	var w wire
	err := json.Unmarshal([]byte(`{"id":"i","name":"n","status":"active","visibility":"private","size":null,"virtual_size":null,"tags":["a"],"os_hidden":false,
		"os_hash_algo":"sha512","os_hash_value":"AB","self":"/v2/images/i","file":"f","schema":"s","stores":"fast","os_glance_failed_import":"",
		"min_disk":1,"hw_disk_bus":"virtio","os_distro":"debian","locations":[]}`), &w)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"hw_disk_bus": "virtio", "os_distro": "debian"}; !maps.Equal(w.Properties, want) {
		t.Errorf("properties %v", w.Properties)
	}
	if sum, ok := w.sha512(); !ok || sum != "ab" {
		t.Errorf("sha512 %q %v", sum, ok)
	}
}

func TestChanges(t *testing.T) {
	state := model{Name: types.StringValue("a"), Protected: types.BoolValue(true), MinDisk: types.Int64Value(1), Tags: types.SetValueMust(types.StringType, nil), Properties: properties("keep", "1", "change", "1", "a/b", "1")}
	plan := state
	plan.Name, plan.Properties = types.StringValue("b"), properties("keep", "1", "change", "2", "new", "3")
	got, err := json.Marshal(changes(&plan, &state))
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"op":"replace","path":"/name","value":"b"},{"op":"replace","path":"/change","value":"2"},{"op":"add","path":"/new","value":"3"},{"op":"remove","path":"/a~1b"}]`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if p := changes(&state, &state); len(p) != 0 {
		t.Errorf("nothing differs, but %v", p)
	}
}

func properties(kv ...string) types.Map {
	m := map[string]attr.Value{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = types.StringValue(kv[i+1])
	}
	return types.MapValueMust(types.StringType, m)
}
