package applicationcredential

import (
	"context"
	"net/url"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// wire is an application credential as the API gives it; the secret, which the
// answer to a create has, is not looked at.
type wire struct {
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	Description  string     `json:"description"`
	UserID       string     `json:"user_id"`
	ProjectID    string     `json:"project_id"`
	ExpiresAt    string     `json:"expires_at"`
	Unrestricted bool       `json:"unrestricted"`
	Roles        []role     `json:"roles"`
	AccessRules  []ruleWire `json:"access_rules"` // nil if all calls are allowed
}

type role struct {
	Name string `json:"name"`
}

type ruleWire struct {
	ID      string `json:"id" tfsdk:"-"`
	Service string `json:"service" tfsdk:"service"`
	Method  string `json:"method" tfsdk:"method"`
	Path    string `json:"path" tfsdk:"path"`
}

// credential is what Terraform knows of an application credential.
type credential struct {
	managed.Thing
	Name         types.String `tfsdk:"name"`
	Description  types.String `tfsdk:"description"`
	UserID       types.String `tfsdk:"user_id"`
	ProjectID    types.String `tfsdk:"project_id"`
	ExpiresAt    types.String `tfsdk:"expires_at"`
	Unrestricted types.Bool   `tfsdk:"unrestricted"`
	Roles        types.Set    `tfsdk:"roles"`
	AccessRules  types.Set    `tfsdk:"access_rules"`
}

// model is the resource as Terraform keeps it.
type model struct {
	credential
	SecretWO        types.String `tfsdk:"secret_wo"`
	SecretWOVersion types.Int64  `tfsdk:"secret_wo_version"`
	managed.Timed
}

// Attributes implements managed.Model: the API has no update.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "name", Value: m.Name},
		{Wire: "description", Value: m.Description},
		{Wire: "expires_at", Value: m.ExpiresAt},
		{Wire: "unrestricted", Value: m.Unrestricted},
		{Wire: "roles", Value: named(m.Roles)},
		{Wire: "access_rules", Value: m.AccessRules},
	}
}

var namedType = types.ObjectType{AttrTypes: map[string]attr.Type{"name": types.StringType}}

// named returns roles as the API takes them: objects with a name.
func named(roles types.Set) attr.Value {
	if roles.IsNull() || roles.IsUnknown() {
		return roles
	}
	objects := make([]attr.Value, 0, len(roles.Elements()))
	for _, name := range roles.Elements() {
		objects = append(objects, types.ObjectValueMust(namedType.AttrTypes, map[string]attr.Value{"name": name}))
	}
	return types.SetValueMust(namedType, objects)
}

// secret is what a create sends of it.
func secret(c managed.Change[model]) map[string]any {
	if c.State != nil || c.Config.SecretWO.IsUnknown() {
		return nil
	}
	return map[string]any{"secret": c.Config.SecretWO.ValueString()}
}

// ruleType is the type of an access rule.
var ruleType = types.ObjectType{AttrTypes: map[string]attr.Type{"service": types.StringType, "method": types.StringType, "path": types.StringType}}

// Fill implements managed.Model.
func (c *credential) Fill(ctx context.Context, w wire, diags *diag.Diagnostics) {
	c.ID = types.StringValue(w.ID)
	c.Name = types.StringValue(w.Name)
	c.Description = types.StringValue(w.Description)
	c.UserID = types.StringValue(w.UserID)
	c.ProjectID = types.StringValue(w.ProjectID)
	c.ExpiresAt = expiry(w.ExpiresAt)
	c.Unrestricted = types.BoolValue(w.Unrestricted)
	names := make([]string, 0, len(w.Roles))
	for _, r := range w.Roles {
		names = append(names, r.Name)
	}
	c.Roles = client.Set(ctx, names, diags)
	c.AccessRules = types.SetNull(ruleType)
	if w.AccessRules != nil {
		set, d := types.SetValueFrom(ctx, ruleType, w.AccessRules)
		diags.Append(d...)
		c.AccessRules = set
	}
}

// expiry returns a time of the API's, which has fractions of a second and may have
// no zone, in the form that the attribute has.
func expiry(stamp string) types.String {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, stamp); err == nil {
			return types.StringValue(t.UTC().Format("2006-01-02T15:04:05Z"))
		}
	}
	return client.StringOrNull(stamp)
}

// Query implements identity.Found.
func (c *credential) Query() url.Values {
	return identity.Query(map[string]types.String{"name": c.Name})
}
