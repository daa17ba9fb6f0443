package securitygroup

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/boolvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/valid"
)

func groupSchema() schema.Schema {
	sibling := func(name string) path.Expression { return path.MatchRelative().AtParent().AtName(name) }
	return schema.Schema{
		MarkdownDescription: "A security group with all of its rules. What no rule lets pass is dropped; answers to what was let pass always come through. " +
			"The set of rules is authoritative: rules that are added elsewhere show in the plan and are removed by apply.",
		Attributes: map[string]schema.Attribute{
			"project_id":  client.ProjectIDAttribute(),
			"name":        client.NameAttribute(),
			"description": client.DescriptionAttribute(),
			"default_egress": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(true),
				MarkdownDescription: "Whether the group has the two rules that every new group is given: all IPv4 and all IPv6 traffic may go out. `false` removes them; then only the egress rules in `rules` let traffic out. Default: `true`."},
			"rules": schema.SetNestedAttribute{Optional: true, Computed: true, Default: setdefault.StaticValue(types.SetValueMust(ruleType, []attr.Value{})),
				MarkdownDescription: "All rules, but for those that `default_egress` stands for. Changed in place: new rules are in force before old ones go. Default: none.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"direction": schema.StringAttribute{Required: true, MarkdownDescription: "`ingress` for traffic to the instance, `egress` for traffic from it.", Validators: []validator.String{stringvalidator.OneOf("ingress", "egress")}},
					"ethertype": schema.StringAttribute{Optional: true, MarkdownDescription: "`IPv4` or `IPv6`. Default: what `remote_cidr` is, else `IPv4`.", Validators: []validator.String{stringvalidator.OneOf("IPv4", "IPv6")}},
					"protocol":  schema.StringAttribute{Optional: true, MarkdownDescription: "`tcp`, `udp`, `icmp`, `ipv6-icmp`, another name that the cloud knows, or a protocol number. Default: any.", Validators: []validator.String{stringvalidator.LengthAtLeast(1)}},
					"port_min":  schema.Int64Attribute{Optional: true, MarkdownDescription: "First port; with ICMP the type. Default: any.", Validators: []validator.Int64{int64validator.Between(0, 65535), int64validator.AlsoRequires(sibling("protocol"))}},
					"port_max":  schema.Int64Attribute{Optional: true, MarkdownDescription: "Last port; with ICMP the code. Default: `port_min`; with ICMP any.", Validators: []validator.Int64{int64validator.Between(0, 65535), int64validator.AlsoRequires(sibling("protocol"), sibling("port_min"))}},
					"remote_cidr": schema.StringAttribute{Optional: true, MarkdownDescription: "Addresses at the other end. Default: any.",
						Validators: []validator.String{valid.CIDR(), stringvalidator.ConflictsWith(sibling("remote_group_id"), sibling("remote_self"))}},
					"remote_group_id": schema.StringAttribute{Optional: true, MarkdownDescription: "Id of a security group whose ports are at the other end.",
						Validators: []validator.String{stringvalidator.ConflictsWith(sibling("remote_self"))}},
					"remote_self": schema.BoolAttribute{Optional: true, MarkdownDescription: "`true`: ports of this group itself are at the other end.", Validators: []validator.Bool{boolvalidator.Equals(true)}},
					"description": schema.StringAttribute{Optional: true, MarkdownDescription: "Description, for people.", Validators: []validator.String{stringvalidator.LengthBetween(1, 255)}},
				}}},
		},
	}
}

// ValidateConfig implements resource.ResourceWithValidateConfig.
func (r *group) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	seen := map[key]bool{}
	for _, e := range m.Rules.Elements() {
		at := path.Root("rules").AtSetValue(e)
		o, ok := e.(types.Object)
		if !ok || o.IsUnknown() || slices.ContainsFunc(values(o), attr.Value.IsUnknown) {
			continue
		}
		var ru rule
		resp.Diagnostics.Append(o.As(ctx, &ru, asOptions)...)
		if msg := ru.fault(); msg != "" {
			resp.Diagnostics.AddAttributeError(at, "Wrong rule", msg)
			continue
		}
		k := ru.wire("").key()
		if ru.RemoteSelf.ValueBool() {
			k.group = "self"
		}
		switch {
		case seen[k]:
			resp.Diagnostics.AddAttributeError(at, "Rule given twice", "Another rule lets the same traffic pass; the cloud keeps one of each.")
		case slices.Contains(defaults, k) && !m.DefaultEgress.IsUnknown() && (m.DefaultEgress.IsNull() || m.DefaultEgress.ValueBool()):
			resp.Diagnostics.AddAttributeError(at, "Rule given twice", "default_egress stands for this rule already. Leave the rule out, or set default_egress to false to write down every egress rule.")
		}
		seen[k] = true
	}
}

func values(o types.Object) []attr.Value {
	var vs []attr.Value
	for _, v := range o.Attributes() {
		vs = append(vs, v)
	}
	return vs
}

// fault says what is wrong with a rule in itself; "" if nothing is.
func (r rule) fault() string {
	w := r.wire("")
	protocol := canonical(r.Protocol.ValueString())
	min, max := r.PortMin, r.PortMax
	switch {
	case isICMP(protocol) && (min.ValueInt64() > 255 || max.ValueInt64() > 255):
		return "An ICMP type or code is at most 255."
	case isICMP(protocol):
	case !min.IsNull() && !slices.Contains([]string{"tcp", "udp", "sctp", "dccp", "udplite", "33", "136"}, protocol):
		return fmt.Sprintf("The protocol %q has no ports; leave port_min and port_max out.", r.Protocol.ValueString())
	case !max.IsNull() && min.ValueInt64() > max.ValueInt64():
		return fmt.Sprintf("port_min %d is above port_max %d.", min.ValueInt64(), max.ValueInt64())
	}
	if protocol == "ipv6-icmp" && w.EtherType == "IPv4" {
		return "ipv6-icmp goes with ethertype IPv6."
	}
	if w.RemoteIPPrefix != nil {
		if v6 := slices.Contains([]byte(*w.RemoteIPPrefix), ':'); v6 != (w.EtherType == "IPv6") {
			return fmt.Sprintf("remote_cidr %s is not %s; leave ethertype out or make them agree.", *w.RemoteIPPrefix, w.EtherType)
		}
	}
	return ""
}
