package securitygroup

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// wire is a security group as the API gives it.
type wire struct {
	ID          string     `json:"id"`
	ProjectID   string     `json:"project_id"`
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Rules       []wireRule `json:"security_group_rules"`
}

var ruleType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"direction": types.StringType, "ethertype": types.StringType, "protocol": types.StringType, "port_min": types.Int64Type, "port_max": types.Int64Type,
	"remote_cidr": types.StringType, "remote_group_id": types.StringType, "remote_self": types.BoolType, "description": types.StringType,
}}

// model is the resource as Terraform keeps it.
type model struct {
	managed.Common
	ProjectID     types.String `tfsdk:"project_id"`
	Name          types.String `tfsdk:"name"`
	Description   types.String `tfsdk:"description"`
	DefaultEgress types.Bool   `tfsdk:"default_egress"`
	Rules         types.Set    `tfsdk:"rules"`
}

// Attributes maps a field of the API to the attribute it comes from.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "name", Value: m.Name, Update: true},
		{Wire: "description", Value: m.Description, Update: true},
	}
}

// fields are the attributes that an error of the API may point at.
var fields = client.Fields{
	"/security_group/name":        path.Root("name"),
	"/security_group/description": path.Root("description"),
	"/security_group_rule":        path.Root("rules"),
	"/security_group_rules":       path.Root("rules"),
}

// asOptions refuses values that are not known to be there.
var asOptions = basetypes.ObjectAsOptions{}

// rules returns the configured rules; those not known as a whole are left out.
func (m *model) rules(ctx context.Context) (out []rule, err error) {
	for _, e := range m.Rules.Elements() {
		if o, ok := e.(types.Object); ok && !o.IsUnknown() {
			var r rule
			if d := o.As(ctx, &r, asOptions); d.HasError() {
				return nil, fmt.Errorf("the rule %s cannot be read: %s", o, d[0].Detail())
			}
			out = append(out, r)
		}
	}
	return out, nil
}

// Fill sets the model from what the API gives; what was there before decides how
// the rules are spelled.
func (m *model) Fill(ctx context.Context, w wire, diags *diag.Diagnostics) {
	before, err := m.rules(ctx)
	if err != nil {
		diags.AddAttributeError(path.Root("rules"), "Cannot read the rules", err.Error())
	}
	beforeDefault := m.DefaultEgress
	m.ID = types.StringValue(w.ID)
	m.ProjectID = types.StringValue(w.ProjectID)
	m.Name = types.StringValue(w.Name)
	m.Description = types.StringValue(w.Description)
	defaultEgress, rules := told(before, beforeDefault, w.ID, w.Rules)
	m.DefaultEgress = types.BoolValue(defaultEgress)
	if rules == nil {
		rules = []rule{}
	}
	v, d := types.SetValueFrom(ctx, ruleType, rules)
	diags.Append(d...)
	m.Rules = v
}

// setRules makes the group's rules those of the model: what is new is
// created, in one call, before what is not wanted is removed; but for rules that
// only get another description, which the API calls duplicates of the old ones.
func setRules(ctx context.Context, s *gophercloud.ServiceClient, id string, m model, got []wireRule) error {
	want, err := m.rules(ctx)
	if err != nil {
		return err
	}
	create, remove := change(want, m.DefaultEgress.ValueBool(), id, got)
	first, last := inTheWay(create, remove, got)
	if err := removeRules(ctx, s, first); err != nil {
		return err
	}
	if len(create) > 0 {
		_, err := s.Post(ctx, s.ServiceURL("security-group-rules"), map[string]any{"security_group_rules": create}, nil, &gophercloud.RequestOpts{OkCodes: []int{201}})
		if err != nil {
			return err
		}
	}
	return removeRules(ctx, s, last)
}

func removeRules(ctx context.Context, s *gophercloud.ServiceClient, ids []string) error {
	for _, id := range ids {
		if _, err := s.Delete(ctx, s.ServiceURL("security-group-rules", id), nil); err != nil && !client.NotFound(err) {
			return err
		}
	}
	return nil
}
