package instance

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

const (
	maxCards    = 16    // network cards of one instance
	maxUserData = 65535 // characters in base64: a limit of the compute API
)

func trimmed() validator.String {
	return stringvalidator.RegexMatches(regexp.MustCompile(`^\S(.*\S)?$`), "must have no space at its ends: the cloud takes it off")
}

func tag() validator.String {
	return stringvalidator.RegexMatches(regexp.MustCompile(`^[^,/]{1,60}$`), "must have 1 to 60 characters without ',' and '/'")
}

// userDataSize is a validator: what the compute API takes as user data.
type userDataSize struct{}

// Description implements validator.String.
func (userDataSize) Description(context.Context) string {
	return fmt.Sprintf("must have at most %d bytes", maxUserData/4*3)
}

// MarkdownDescription implements validator.String.
func (v userDataSize) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString implements validator.String.
func (userDataSize) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if n := len(req.ConfigValue.ValueString()); base64.StdEncoding.EncodedLen(n) > maxUserData {
		resp.Diagnostics.AddAttributeError(req.Path, "Too much user data", fmt.Sprintf("It has %d bytes; the compute API takes at most %d. Let the guest fetch the rest from elsewhere.", n, maxUserData/4*3))
	}
}

// ValidateConfig implements resource.ResourceWithValidateConfig.
func (r *instance) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !m.SchedulerHints.IsNull() && !m.SchedulerHints.IsUnknown() {
		empty := true
		for _, v := range m.SchedulerHints.Attributes() {
			empty = empty && v.IsNull()
		}
		if empty {
			resp.Diagnostics.AddAttributeError(path.Root("scheduler_hints"), "No scheduler hint", "Give at least one of same_host_ids, different_host_ids and group_id, or leave scheduler_hints out.")
		}
	}
	if !m.Networks.IsNull() && !m.Networks.IsUnknown() {
		validateNICs(nics(ctx, m.Networks, &resp.Diagnostics), m.SecurityGroupIDs, &resp.Diagnostics)
	}
}

// known reports whether a value is given, whatever it comes to be.
func known(v types.String) bool { return !v.IsNull() && !v.IsUnknown() }

// validateNICs refuses cards that say too little, too much, or the same.
func validateNICs(cards []nic, groups types.Set, diags *diag.Diagnostics) {
	ports, made := map[string]int{}, false
	for n, c := range cards {
		at := path.Root("networks").AtListIndex(n)
		switch {
		case c.NetworkID.IsNull() && c.PortID.IsNull():
			diags.AddAttributeError(at, "Network card without a network", "Give network_id, for a card of the instance's own, or port_id, for a port that is there.")
		case known(c.NetworkID) && known(c.PortID):
			diags.AddAttributeError(at, "Network card with network and port", "Give either network_id or port_id: a port has its network.")
		case known(c.FixedIP) && known(c.PortID):
			diags.AddAttributeError(at, "Address of a port", "A port has its addresses: leave fixed_ip out, or give network_id instead of port_id.")
		}
		made = made || !c.NetworkID.IsNull()
		id := c.PortID.ValueString()
		if id == "" {
			continue
		}
		if first, twice := ports[id]; twice {
			diags.AddAttributeError(at, "Port named twice", fmt.Sprintf("networks[%d] has the same port: one can be plugged in once only.", first))
		}
		ports[id] = n
	}
	if !made && !groups.IsNull() {
		diags.AddAttributeError(path.Root("security_group_ids"), "No network card to protect",
			"Security groups given here are those of cards given by network_id, and there is none. A port has groups of its own: give them there.")
	}
}
