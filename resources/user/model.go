package user

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
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

// model is the resource as Terraform keeps it.
type model struct {
	ID                 types.String   `tfsdk:"id"`
	Name               types.String   `tfsdk:"name"`
	DomainID           types.String   `tfsdk:"domain_id"`
	Description        types.String   `tfsdk:"description"`
	Email              types.String   `tfsdk:"email"`
	Enabled            types.Bool     `tfsdk:"enabled"`
	DefaultProjectID   types.String   `tfsdk:"default_project_id"`
	PasswordWO         types.String   `tfsdk:"password_wo"`
	PasswordWOVersion  types.Int64    `tfsdk:"password_wo_version"`
	PasswordExpiresAt  types.String   `tfsdk:"password_expires_at"`
	IgnoreFirstUse     types.Bool     `tfsdk:"ignore_change_password_upon_first_use"`
	IgnoreExpiry       types.Bool     `tfsdk:"ignore_password_expiry"`
	IgnoreLockout      types.Bool     `tfsdk:"ignore_lockout_failure_attempts"`
	IgnoreInactivity   types.Bool     `tfsdk:"ignore_user_inactivity"`
	LockPassword       types.Bool     `tfsdk:"lock_password"`
	MultiFactorEnabled types.Bool     `tfsdk:"multi_factor_auth_enabled"`
	MultiFactorRules   types.List     `tfsdk:"multi_factor_auth_rules"`
	Timeouts           timeouts.Value `tfsdk:"timeouts"`
}

// Key implements identity.Model.
func (m *model) Key() *types.String { return &m.ID }

// Limits implements identity.Model.
func (m *model) Limits() timeouts.Value { return m.Timeouts }

// Attributes implements identity.Model.
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
func password(config, plan model, state *model) map[string]any {
	if config.PasswordWO.IsNull() || config.PasswordWO.IsUnknown() || state != nil && plan.PasswordWOVersion.Equal(state.PasswordWOVersion) {
		return nil
	}
	return map[string]any{"password": config.PasswordWO.ValueString()}
}

// Fill implements identity.Model.
func (m *model) Fill(ctx context.Context, w wire, diags *diag.Diagnostics) {
	m.ID = types.StringValue(w.ID)
	m.Name = types.StringValue(w.Name)
	m.DomainID = types.StringValue(w.DomainID)
	m.Description = types.StringValue(w.Description)
	m.Email = client.StringOrNull(w.Email)
	m.Enabled = types.BoolValue(w.Enabled)
	m.DefaultProjectID = client.StringOrNull(w.DefaultProjectID)
	m.PasswordWO = types.StringNull()
	m.PasswordExpiresAt = client.StringOrNull(w.PasswordExpiresAt)
	m.IgnoreFirstUse = types.BoolValue(w.Options.IgnoreFirstUse)
	m.IgnoreExpiry = types.BoolValue(w.Options.IgnoreExpiry)
	m.IgnoreLockout = types.BoolValue(w.Options.IgnoreLockout)
	m.IgnoreInactivity = types.BoolValue(w.Options.IgnoreInactivity)
	m.LockPassword = types.BoolValue(w.Options.LockPassword)
	m.MultiFactorEnabled = types.BoolValue(w.Options.MultiFactorEnabled)
	given := w.Options.MultiFactorRules
	if given == nil {
		given = [][]string{}
	}
	list, d := types.ListValueFrom(ctx, rules, given)
	diags.Append(d...)
	m.MultiFactorRules = list
}

// fields are the attributes that an error of the API may point at.
var fields = client.Fields{
	"/user/name":                            path.Root("name"),
	"/user/domain_id":                       path.Root("domain_id"),
	"/user/description":                     path.Root("description"),
	"/user/email":                           path.Root("email"),
	"/user/enabled":                         path.Root("enabled"),
	"/user/default_project_id":              path.Root("default_project_id"),
	"/user/password":                        path.Root("password_wo"),
	"/user/options/multi_factor_auth_rules": path.Root("multi_factor_auth_rules"),
}
