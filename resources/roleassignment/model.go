package roleassignment

import (
	"context"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// model is the resource as Terraform keeps it.
type model struct {
	managed.Common
	RoleID    types.String `tfsdk:"role_id"`
	UserID    types.String `tfsdk:"user_id"`
	GroupID   types.String `tfsdk:"group_id"`
	ProjectID types.String `tfsdk:"project_id"`
	DomainID  types.String `tfsdk:"domain_id"`
	System    types.Bool   `tfsdk:"system"`
	Inherited types.Bool   `tfsdk:"inherited"`
}

// Attributes implements managed.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{{Value: m.RoleID}, {Value: m.UserID}, {Value: m.GroupID}, {Value: m.ProjectID}, {Value: m.DomainID}, {Value: m.System}, {Value: m.Inherited}}
}

// Fill implements managed.Model.
func (m *model) Fill(_ context.Context, path string, _ *diag.Diagnostics) {
	m.ID = types.StringValue(path)
	m.Parse(path)
}

// Refs implements identity.LinkModel.
func (m *model) Refs() map[string]types.String {
	return map[string]types.String{"role_id": m.RoleID, "user_id": m.UserID, "group_id": m.GroupID, "project_id": m.ProjectID, "domain_id": m.DomainID}
}

// Path implements identity.LinkModel: as projects/P/users/U/roles/R, or
// OS-INHERIT/projects/P/users/U/roles/R/inherited_to_projects.
func (m *model) Path(ids map[string]string) string {
	scope, who := "system", "/users/"+ids["user_id"]
	if ids["project_id"] != "" {
		scope = "projects/" + ids["project_id"]
	} else if ids["domain_id"] != "" {
		scope = "domains/" + ids["domain_id"]
	}
	if ids["group_id"] != "" {
		who = "/groups/" + ids["group_id"]
	}
	at := scope + who + "/roles/" + ids["role_id"]
	if m.Inherited.ValueBool() {
		return "OS-INHERIT/" + at + "/inherited_to_projects"
	}
	return at
}

var form = regexp.MustCompile(`^(OS-INHERIT/)?(?:projects/([^/]+)|domains/([^/]+)|(system))/(?:users/([^/]+)|groups/([^/]+))/roles/([^/]+)(/inherited_to_projects)?$`)

// Parse implements identity.LinkModel.
func (m *model) Parse(path string) bool {
	p := form.FindStringSubmatch(path)
	if p == nil || (p[1] == "") != (p[8] == "") || p[1] != "" && p[4] != "" {
		return false
	}
	m.Inherited = types.BoolValue(p[1] != "")
	m.ProjectID, m.DomainID = client.StringOrNull(p[2]), client.StringOrNull(p[3])
	m.System = types.BoolNull()
	if p[4] != "" {
		m.System = types.BoolValue(true)
	}
	m.UserID, m.GroupID, m.RoleID = client.StringOrNull(p[5]), client.StringOrNull(p[6]), types.StringValue(p[7])
	return true
}
