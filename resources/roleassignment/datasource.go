package roleassignment

import (
	"cmp"
	"context"
	"net/url"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/boolvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewDataSource returns the data source cloudlet_role_assignments.
func NewDataSource() datasource.DataSource { return &source{} }

type source struct{ client.DataSource }

// found is the data source as Terraform keeps it.
type found struct {
	RoleID      types.String `tfsdk:"role_id"`
	UserID      types.String `tfsdk:"user_id"`
	GroupID     types.String `tfsdk:"group_id"`
	ProjectID   types.String `tfsdk:"project_id"`
	DomainID    types.String `tfsdk:"domain_id"`
	System      types.Bool   `tfsdk:"system"`
	Inherited   types.Bool   `tfsdk:"inherited"`
	Effective   types.Bool   `tfsdk:"effective"`
	Assignments types.List   `tfsdk:"assignments"`
}

// Metadata implements datasource.DataSource.
func (d *source) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_role_assignments"
}

// Schema implements datasource.DataSource.
func (d *source) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	asked := func(doc string) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, Validators: identity.Some(), MarkdownDescription: doc}
	}
	asks := func(doc string) schema.BoolAttribute {
		return schema.BoolAttribute{Optional: true, Validators: []validator.Bool{boolvalidator.Equals(true)}, MarkdownDescription: doc}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Who has which roles in what: all assignments that are as configured, and that the provider's user may see. None is no error.",
		Attributes: map[string]schema.Attribute{
			"role_id":    asked("Id of the role."),
			"user_id":    asked("Id of the user that has it."),
			"group_id":   asked("Id of the group whose users have it."),
			"project_id": asked("Id of the project that it is had in."),
			"domain_id":  asked("Id of the domain that it is had in."),
			"system":     asks("`true` for those in the whole system."),
			"inherited":  asks("`true` for those that are had in the projects below."),
			"effective":  asks("`true` for what the assignments amount to: those of groups as their users', inherited ones as the projects', and implied roles; one for each reason."),
			"assignments": schema.ListNestedAttribute{Computed: true, MarkdownDescription: "The assignments, in the order of their ids.", NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"role_id":    managed.Told("Id of the role."),
				"role_name":  managed.Told("Name of the role."),
				"user_id":    managed.Told("Id of the user; null if it is a group's."),
				"user_name":  managed.Told("Name of the user."),
				"group_id":   managed.Told("Id of the group; null if it is a user's."),
				"group_name": managed.Told("Name of the group."),
				"project_id": managed.Told("Id of the project; null if it is had elsewhere."),
				"domain_id":  managed.Told("Id of the domain; null if it is had elsewhere."),
				"system":     managed.ToldBool("Whether it is had in the whole system."),
				"inherited":  managed.ToldBool("Whether it is had in the projects below."),
			}}},
		},
	}
}

// ConfigValidators implements datasource.DataSourceWithConfigValidators: nothing
// is both.
func (d *source) ConfigValidators(context.Context) []datasource.ConfigValidator {
	one := func(names ...string) datasource.ConfigValidator {
		var paths []path.Expression
		for _, name := range names {
			paths = append(paths, path.MatchRoot(name))
		}
		return datasourcevalidator.Conflicting(paths...)
	}
	return []datasource.ConfigValidator{one("user_id", "group_id"), one("project_id", "domain_id", "system"), one("group_id", "effective")}
}

// wire is an assignment as the API gives it.
type wire struct {
	Role  named `json:"role"`
	User  named `json:"user"`
	Group named `json:"group"`
	Scope struct {
		Project   named          `json:"project"`
		Domain    named          `json:"domain"`
		System    map[string]any `json:"system"`
		Inherited string         `json:"OS-INHERIT:inherited_to"`
	} `json:"scope"`
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Read implements datasource.DataSource.
func (d *source) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var f found
	resp.Diagnostics.Append(req.Config.Get(ctx, &f)...)
	if resp.Diagnostics.HasError() {
		return
	}
	all, err := identity.Find[wire](ctx, d.Client.Identity, "role_assignments", f.query())
	if err != nil {
		client.AddError(&resp.Diagnostics, "Cannot read the role assignments", err, nil)
		return
	}
	slices.SortFunc(all, func(a, b wire) int { return slices.Compare(a.ids(), b.ids()) })
	list := make([]attr.Value, 0, len(all))
	for _, w := range all {
		list = append(list, w.object())
	}
	f.Assignments = types.ListValueMust(assignmentType, list)
	resp.Diagnostics.Append(resp.State.Set(ctx, &f)...)
}

func (f *found) query() url.Values {
	q := identity.Query(map[string]types.String{"role.id": f.RoleID, "user.id": f.UserID, "group.id": f.GroupID, "scope.project.id": f.ProjectID, "scope.domain.id": f.DomainID})
	q.Set("include_names", "true")
	set := func(asked types.Bool, name, value string) {
		if asked.ValueBool() {
			q.Set(name, value)
		}
	}
	set(f.System, "scope.system", "all")
	set(f.Inherited, "scope.OS-INHERIT:inherited_to", "projects")
	set(f.Effective, "effective", "true")
	return q
}

// ids are what assignments are ordered by.
func (w wire) ids() []string {
	return []string{cmp.Or(w.Scope.Project.ID, w.Scope.Domain.ID), w.User.ID, w.Group.ID, w.Role.ID, w.Scope.Inherited}
}

var assignmentType = types.ObjectType{AttrTypes: map[string]attr.Type{"role_id": types.StringType, "role_name": types.StringType, "user_id": types.StringType, "user_name": types.StringType,
	"group_id": types.StringType, "group_name": types.StringType, "project_id": types.StringType, "domain_id": types.StringType, "system": types.BoolType, "inherited": types.BoolType}}

func (w wire) object() attr.Value {
	text := client.StringOrNull
	return types.ObjectValueMust(assignmentType.AttrTypes, map[string]attr.Value{"role_id": text(w.Role.ID), "role_name": text(w.Role.Name), "user_id": text(w.User.ID), "user_name": text(w.User.Name),
		"group_id": text(w.Group.ID), "group_name": text(w.Group.Name), "project_id": text(w.Scope.Project.ID), "domain_id": text(w.Scope.Domain.ID),
		"system": types.BoolValue(w.Scope.System != nil), "inherited": types.BoolValue(w.Scope.Inherited != "")})
}
