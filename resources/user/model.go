package user

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// wire is a user as the API gives it.
type wire struct {
	ID                string  `json:"id"`
	Name              string  `json:"name"`
	DomainID          string  `json:"domain_id"`
	Description       string  `json:"description"`
	Email             string  `json:"email"`
	Enabled           bool    `json:"enabled"`
	DefaultProjectID  string  `json:"default_project_id"`
	PasswordExpiresAt string  `json:"password_expires_at"`
	Options           options `json:"options"`
}

type options struct {
	IgnoreFirstUse     bool       `json:"ignore_change_password_upon_first_use"`
	IgnoreExpiry       bool       `json:"ignore_password_expiry"`
	IgnoreLockout      bool       `json:"ignore_lockout_failure_attempts"`
	IgnoreInactivity   bool       `json:"ignore_user_inactivity"`
	LockPassword       bool       `json:"lock_password"`
	MultiFactorEnabled bool       `json:"multi_factor_auth_enabled"`
	MultiFactorRules   [][]string `json:"multi_factor_auth_rules"`
}

// user is what Terraform knows of a user.
type user struct {
	managed.Thing
	Name               types.String `tfsdk:"name"`
	DomainID           types.String `tfsdk:"domain_id"`
	Description        types.String `tfsdk:"description"`
	Email              types.String `tfsdk:"email"`
	Enabled            types.Bool   `tfsdk:"enabled"`
	DefaultProjectID   types.String `tfsdk:"default_project_id"`
	PasswordExpiresAt  types.String `tfsdk:"password_expires_at"`
	IgnoreFirstUse     types.Bool   `tfsdk:"ignore_change_password_upon_first_use"`
	IgnoreExpiry       types.Bool   `tfsdk:"ignore_password_expiry"`
	IgnoreLockout      types.Bool   `tfsdk:"ignore_lockout_failure_attempts"`
	IgnoreInactivity   types.Bool   `tfsdk:"ignore_user_inactivity"`
	LockPassword       types.Bool   `tfsdk:"lock_password"`
	MultiFactorEnabled types.Bool   `tfsdk:"multi_factor_auth_enabled"`
	MultiFactorRules   types.List   `tfsdk:"multi_factor_auth_rules"`
}

// model is the resource as Terraform keeps it.
type model struct {
	user
	PasswordWO        types.String `tfsdk:"password_wo"`
	PasswordWOVersion types.Int64  `tfsdk:"password_wo_version"`
	managed.Timed
}

// Attributes implements managed.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "name", Value: m.Name, Update: true},
		{Wire: "domain_id", Value: m.DomainID},
		{Wire: "description", Value: m.Description, Update: true},
		{Wire: "email", Value: m.Email, Update: true},
		{Wire: "enabled", Value: m.Enabled, Update: true},
		{Wire: "default_project_id", Value: m.DefaultProjectID, Update: true},
		{Wire: "options", Value: m.options(), Update: true},
	}
}

// rules is the type of multi_factor_auth_rules: a list of lists of methods.
var rules = types.ListType{ElemType: types.StringType}

func (m *model) options() types.Object {
	values := map[string]attr.Value{
		"ignore_change_password_upon_first_use": m.IgnoreFirstUse,
		"ignore_password_expiry":                m.IgnoreExpiry,
		"ignore_lockout_failure_attempts":       m.IgnoreLockout,
		"ignore_user_inactivity":                m.IgnoreInactivity,
		"lock_password":                         m.LockPassword,
		"multi_factor_auth_enabled":             m.MultiFactorEnabled,
		"multi_factor_auth_rules":               m.MultiFactorRules,
	}
	kinds := map[string]attr.Type{}
	for name := range values {
		kinds[name] = types.BoolType
	}
	kinds["multi_factor_auth_rules"] = types.ListType{ElemType: rules}
	return types.ObjectValueMust(kinds, values)
}

// password is what a create sends of it, and an update if its version differs.
func password(c managed.Change[model]) map[string]any {
	if c.Config.PasswordWO.IsNull() || c.Config.PasswordWO.IsUnknown() || c.State != nil && c.Plan.PasswordWOVersion.Equal(c.State.PasswordWOVersion) {
		return nil
	}
	return map[string]any{"password": c.Config.PasswordWO.ValueString()}
}

// Fill implements managed.Model.
func (u *user) Fill(ctx context.Context, w wire, diags *diag.Diagnostics) {
	u.ID = types.StringValue(w.ID)
	u.Name = types.StringValue(w.Name)
	u.DomainID = types.StringValue(w.DomainID)
	u.Description = types.StringValue(w.Description)
	u.Email = client.StringOrNull(w.Email)
	u.Enabled = types.BoolValue(w.Enabled)
	u.DefaultProjectID = client.StringOrNull(w.DefaultProjectID)
	u.PasswordExpiresAt = client.StringOrNull(w.PasswordExpiresAt)
	u.IgnoreFirstUse = types.BoolValue(w.Options.IgnoreFirstUse)
	u.IgnoreExpiry = types.BoolValue(w.Options.IgnoreExpiry)
	u.IgnoreLockout = types.BoolValue(w.Options.IgnoreLockout)
	u.IgnoreInactivity = types.BoolValue(w.Options.IgnoreInactivity)
	u.LockPassword = types.BoolValue(w.Options.LockPassword)
	u.MultiFactorEnabled = types.BoolValue(w.Options.MultiFactorEnabled)
	given := w.Options.MultiFactorRules
	if given == nil {
		given = [][]string{}
	}
	list, d := types.ListValueFrom(ctx, rules, given)
	diags.Append(d...)
	u.MultiFactorRules = list
}

// Query implements identity.Found.
func (u *user) Query() url.Values {
	return identity.Query(map[string]types.String{"name": u.Name, "domain_id": u.DomainID})
}
