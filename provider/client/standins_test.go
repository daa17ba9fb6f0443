package client

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

func TestStandIns(t *testing.T) {
	str := tftypes.String
	nic := tftypes.Object{AttributeTypes: map[string]tftypes.Type{"network_id": str, "port_id": str, "mac_address": str}}
	all := tftypes.Object{AttributeTypes: map[string]tftypes.Type{
		"id": str, "image_id": str, "name": str, "group_ids": tftypes.Set{ElementType: str}, "nics": tftypes.List{ElementType: nic}}}
	s := func(v any) tftypes.Value { return tftypes.NewValue(str, v) }
	unknown := s(tftypes.UnknownValue)
	value := func(id, image, name, group, network, port, mac tftypes.Value) tftypes.Value {
		return tftypes.NewValue(all, map[string]tftypes.Value{"id": id, "image_id": image, "name": name,
			"group_ids": tftypes.NewValue(tftypes.Set{ElementType: str}, []tftypes.Value{group, s("g")}),
			"nics":      tftypes.NewValue(tftypes.List{ElementType: nic}, []tftypes.Value{tftypes.NewValue(nic, map[string]tftypes.Value{"network_id": network, "port_id": port, "mac_address": mac})})})
	}
	null := s(nil)
	config := value(null, unknown, unknown, unknown, unknown, null, null)
	plan := value(unknown, unknown, unknown, unknown, unknown, unknown, unknown)
	want := value(unknown, s(UnknownID), unknown, s(UnknownID), s(UnknownID), unknown, unknown)
	if got := standIns(plan, config, func(string) string { return UnknownID }); !got.Equal(want) {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}
