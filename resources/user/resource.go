package user

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewResource returns cloudlet_user.
func NewResource() resource.Resource {
	return identity.New(identity.Kind[model, wire]{
		Name: "user", Plural: "users", Schema: attributes(), Secrets: password,
		At: map[string]string{"password": "password_wo", "options/multi_factor_auth_rules": "multi_factor_auth_rules"},
		Doc: "A user. The password is in no plan and no state. Administrators and managers of the domain make users; " +
			"what a user may do, `cloudlet_role_assignment` says.",
	})
}

func attributes() map[string]schema.Attribute {
	option := func(doc string) schema.BoolAttribute {
		return schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false), MarkdownDescription: doc + " Default: `false`."}
	}
	return map[string]schema.Attribute{
		"name":               identity.NameAttribute("Name, unique among the domain's users.", 255),
		"domain_id":          identity.ParentAttribute("Id of the domain that it is in. Default: that of the provider's user.", "user"),
		"description":        client.DescriptionAttribute(),
		"email":              schema.StringAttribute{Optional: true, MarkdownDescription: "Address for mail.", Validators: []validator.String{stringvalidator.LengthBetween(1, 255)}},
		"enabled":            identity.EnabledAttribute("Whether it can log in. Disabling it ends its tokens."),
		"default_project_id": schema.StringAttribute{Optional: true, MarkdownDescription: "Id of the project that it works in if it names none.", Validators: identity.Some()},
		"password_wo": schema.StringAttribute{Optional: true, WriteOnly: true, Sensitive: true,
			MarkdownDescription: "The password. It is sent when the user is created; to send another one change `password_wo_version` too. A changed password ends the user's tokens.",
			Validators:          []validator.String{stringvalidator.LengthAtLeast(1), stringvalidator.AlsoRequires(path.MatchRoot("password_wo_version"))}},
		"password_wo_version": schema.Int64Attribute{Optional: true, MarkdownDescription: "Number to change with `password_wo`.",
			Validators: []validator.Int64{int64validator.AlsoRequires(path.MatchRoot("password_wo"))}},
		"password_expires_at":                   schema.StringAttribute{Computed: true, MarkdownDescription: "When the password expires, in UTC; null if it does not."},
		"ignore_change_password_upon_first_use": option("Whether a password that somebody else has set need not be changed at first use."),
		"ignore_password_expiry":                option("Whether the password does not expire."),
		"ignore_lockout_failure_attempts":       option("Whether failed attempts do not lock the user out."),
		"ignore_user_inactivity":                option("Whether the user is not disabled when it is not active."),
		"lock_password":                         option("Whether the user cannot change its own password."),
		"multi_factor_auth_enabled":             option("Whether `multi_factor_auth_rules` are enforced."),
		"multi_factor_auth_rules": schema.ListAttribute{Optional: true, Computed: true, ElementType: rules,
			Default:             listdefault.StaticValue(types.ListValueMust(rules, []attr.Value{})),
			MarkdownDescription: "Lists of methods that suffice together, such as `[[\"password\", \"totp\"]]`. Default: none.",
			Validators:          []validator.List{listvalidator.ValueListsAre(listvalidator.SizeAtLeast(1), listvalidator.UniqueValues())}},
	}
}
