package groupmembership

import (
	"context"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewResource returns cloudlet_group_membership.
func NewResource() resource.Resource {
	ref := func(doc string) schema.StringAttribute {
		return schema.StringAttribute{Required: true, PlanModifiers: client.KeepOrReplace(), MarkdownDescription: doc, Validators: identity.Some()}
	}
	return identity.NewLink[model](identity.Link{Name: "group_membership",
		Doc:    "That a user is in a group. Every change replaces it. Its id is its path in the identity API.",
		Schema: map[string]schema.Attribute{"group_id": ref("Id of the group."), "user_id": ref("Id of the user.")}})
}

// model is the resource as Terraform keeps it.
type model struct {
	managed.Common
	GroupID types.String `tfsdk:"group_id"`
	UserID  types.String `tfsdk:"user_id"`
}

// Attributes implements managed.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{{Value: m.GroupID}, {Value: m.UserID}}
}

// Fill implements managed.Model.
func (m *model) Fill(_ context.Context, path string, _ *diag.Diagnostics) {
	m.ID = types.StringValue(path)
	m.Parse(path)
}

// Refs implements identity.LinkModel.
func (m *model) Refs() map[string]types.String {
	return map[string]types.String{"group_id": m.GroupID, "user_id": m.UserID}
}

// Path implements identity.LinkModel.
func (m *model) Path(ids map[string]string) string {
	return "groups/" + ids["group_id"] + "/users/" + ids["user_id"]
}

var form = regexp.MustCompile(`^groups/([^/]+)/users/([^/]+)$`)

// Parse implements identity.LinkModel.
func (m *model) Parse(path string) bool {
	p := form.FindStringSubmatch(path)
	if p == nil {
		return false
	}
	m.GroupID, m.UserID = types.StringValue(p[1]), types.StringValue(p[2])
	return true
}
