package instance

import (
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// nic is an element of networks.
type nic struct {
	NetworkID  types.String `tfsdk:"network_id"`
	PortID     types.String `tfsdk:"port_id"`
	FixedIP    types.String `tfsdk:"fixed_ip"`
	MACAddress types.String `tfsdk:"mac_address"`
}

var nicType = types.ObjectType{AttrTypes: map[string]attr.Type{"network_id": types.StringType, "port_id": types.StringType, "fixed_ip": types.StringType, "mac_address": types.StringType}}

// satisfies reports whether a card that is there is what the configuration asks
// for. What is not known yet is asked for anew.
func satisfies(is, asked nic) bool {
	same := func(asked, is types.String) bool { return asked.IsNull() || asked.Equal(is) }
	return same(asked.NetworkID, is.NetworkID) && same(asked.PortID, is.PortID) && same(asked.FixedIP, is.FixedIP)
}

// planNICs returns the cards that a configuration leads to. A card of the state
// stays if what is configured asks for it and no card before it is new: new cards
// come last in the guest, so that everything behind a new one is attached anew.
func planNICs(config, state []nic) []nic {
	out := make([]nic, 0, len(config))
	next, fresh := 0, false
	for _, c := range config {
		i := -1
		if !fresh {
			i = slices.IndexFunc(state[next:], func(s nic) bool { return satisfies(s, c) })
		}
		if i >= 0 {
			next += i
			out = append(out, state[next])
			next++
			continue
		}
		fresh = true
		unknown := func(v types.String) types.String {
			if v.IsNull() {
				return types.StringUnknown()
			}
			return v
		}
		out = append(out, nic{unknown(c.NetworkID), unknown(c.PortID), unknown(c.FixedIP), types.StringUnknown()})
	}
	return out
}

// nicChange returns the ports to detach and the cards to attach, to come from
// the state to the plan.
func nicChange(plan, state []nic) (detach []string, attach []nic) {
	stays := 0
	for ; stays < len(plan) && slices.Contains(state, plan[stays]); stays++ {
	}
	for _, s := range state {
		if !slices.Contains(plan[:stays], s) {
			detach = append(detach, s.PortID.ValueString())
		}
	}
	return detach, plan[stays:]
}

// named reports whether the card says what it is to be plugged into. One whose
// element of the configuration is not known yet does not.
func (n nic) named() bool { return n.PortID.ValueString() != "" || n.NetworkID.ValueString() != "" }

// createWire is how a card is asked for when an instance is created.
func (n nic) createWire() map[string]any {
	if p := n.PortID.ValueString(); p != "" {
		return map[string]any{"port": p}
	}
	w := map[string]any{"uuid": n.NetworkID.ValueString()}
	if a := n.FixedIP.ValueString(); a != "" {
		w["fixed_ip"] = a
	}
	return w
}

// attachWire is how a card is asked for when it is attached to an instance.
func (n nic) attachWire() map[string]any {
	if p := n.PortID.ValueString(); p != "" {
		return map[string]any{"port_id": p}
	}
	w := map[string]any{"net_id": n.NetworkID.ValueString()}
	if a := n.FixedIP.ValueString(); a != "" {
		w["fixed_ips"] = []map[string]any{{"ip_address": a}}
	}
	return w
}

// wirePort is a port of the network API.
type wirePort struct {
	ID         string `json:"id"`
	NetworkID  string `json:"network_id"`
	MACAddress string `json:"mac_address"`
	FixedIPs   []struct {
		IPAddress string `json:"ip_address"`
	} `json:"fixed_ips"`
	Groups []string `json:"security_groups"`
}

// nicOf tells a port as a card. An address that was told before is told again
// while the port has it.
func nicOf(p wirePort, before []nic) nic {
	n := nic{NetworkID: types.StringValue(p.NetworkID), PortID: types.StringValue(p.ID), MACAddress: types.StringValue(p.MACAddress)}
	if len(p.FixedIPs) > 0 {
		n.FixedIP = types.StringValue(p.FixedIPs[0].IPAddress)
	}
	for _, b := range before {
		if b.PortID.ValueString() != p.ID {
			continue
		}
		for _, f := range p.FixedIPs {
			if f.IPAddress == b.FixedIP.ValueString() {
				n.FixedIP = b.FixedIP
			}
		}
	}
	return n
}

// inOrder returns the ports in the order of the ids; those not among them follow.
func inOrder(ports []wirePort, ids []string) []wirePort {
	rank := func(p wirePort) int {
		if i := slices.Index(ids, p.ID); i >= 0 {
			return i
		}
		return len(ids)
	}
	out := slices.Clone(ports)
	slices.SortStableFunc(out, func(a, b wirePort) int { return rank(a) - rank(b) })
	return out
}

// groupsOf returns the security groups of the cards that the instance made. If
// one differs from what was told before, it is told, so that the drift shows.
func groupsOf(made []wirePort, before []string) []string {
	groups := []string{}
	for i, p := range made {
		if i == 0 {
			groups = p.Groups
		}
		if !sameSet(p.Groups, before) {
			return p.Groups
		}
	}
	return groups
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}
