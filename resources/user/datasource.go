package user

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewDataSource returns the data source cloudlet_user.
func NewDataSource() datasource.DataSource {
	return identity.NewSource[user, wire, *user](identity.Source{Name: "user", Plural: "users", Doc: "Finds one user: by name, or by id, which users may of themselves.",
		Attributes: map[string]schema.Attribute{
			"name":                                  managed.Asked("Name."),
			"domain_id":                             managed.Asked("Id of the domain that it is in."),
			"description":                           managed.Told("Description, for people."),
			"email":                                 managed.Told("Address for mail."),
			"enabled":                               managed.ToldBool("Whether it can log in."),
			"default_project_id":                    managed.Told("Id of the project that it works in if it names none."),
			"password_expires_at":                   managed.Told("When the password expires, in UTC; null if it does not."),
			"ignore_change_password_upon_first_use": managed.ToldBool("Whether a password that somebody else has set need not be changed at first use."),
			"ignore_password_expiry":                managed.ToldBool("Whether the password does not expire."),
			"ignore_lockout_failure_attempts":       managed.ToldBool("Whether failed attempts do not lock the user out."),
			"ignore_user_inactivity":                managed.ToldBool("Whether the user is not disabled when it is not active."),
			"lock_password":                         managed.ToldBool("Whether the user cannot change its own password."),
			"multi_factor_auth_enabled":             managed.ToldBool("Whether `multi_factor_auth_rules` are enforced."),
			"multi_factor_auth_rules":               schema.ListAttribute{Computed: true, ElementType: rules, MarkdownDescription: "Lists of methods that suffice together."},
		}})
}
