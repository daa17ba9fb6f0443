package authscope

import (
	"context"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewDataSource returns the data source cloudlet_auth_scope.
func NewDataSource() datasource.DataSource { return &source{} }

type source struct{ client.DataSource }

// found is the data source as Terraform keeps it.
type found struct {
	UserID          types.String `tfsdk:"user_id"`
	UserName        types.String `tfsdk:"user_name"`
	UserDomainID    types.String `tfsdk:"user_domain_id"`
	ProjectID       types.String `tfsdk:"project_id"`
	ProjectName     types.String `tfsdk:"project_name"`
	ProjectDomainID types.String `tfsdk:"project_domain_id"`
	DomainID        types.String `tfsdk:"domain_id"`
	DomainName      types.String `tfsdk:"domain_name"`
	System          types.Bool   `tfsdk:"system"`
	Roles           types.List   `tfsdk:"roles"`
}

// Metadata implements datasource.DataSource.
func (d *source) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_auth_scope"
}

// Schema implements datasource.DataSource.
func (d *source) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Who the provider has authenticated as, and what it works in.",
		Attributes: map[string]schema.Attribute{
			"user_id":           managed.Told("Id of the user."),
			"user_name":         managed.Told("Name of the user."),
			"user_domain_id":    managed.Told("Id of the domain that the user is in."),
			"project_id":        managed.Told("Id of the project that it works in; null if in none."),
			"project_name":      managed.Told("Name of the project."),
			"project_domain_id": managed.Told("Id of the domain that the project is in."),
			"domain_id":         managed.Told("Id of the domain that it works in; null if in none."),
			"domain_name":       managed.Told("Name of the domain that it works in."),
			"system":            managed.ToldBool("Whether it works in the whole system."),
			"roles":             schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Names of the roles that it has there, sorted."},
		},
	}
}

// named is a user or project as a token tells of it.
type named struct {
	ID, Name string
	Domain   struct{ ID, Name string }
}

// Read implements datasource.DataSource.
func (d *source) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	var out struct {
		Token struct {
			User, Project named
			Domain        struct{ ID, Name string }
			System        map[string]any
			Roles         []named
		}
	}
	s := d.Client.Identity
	r, err := s.Get(ctx, s.ServiceURL("auth", "tokens")+"?nocatalog", &out, &gophercloud.RequestOpts{MoreHeaders: map[string]string{"X-Subject-Token": s.Token()}})
	if _, _, err = gophercloud.ParseResponse(r, err); err != nil {
		client.AddError(&resp.Diagnostics, "Cannot read what the provider works in", err, nil)
		return
	}
	t := out.Token
	names := []string{}
	for _, role := range t.Roles {
		names = append(names, role.Name)
	}
	slices.Sort(names)
	text := client.StringOrNull
	resp.Diagnostics.Append(resp.State.Set(ctx, &found{UserID: text(t.User.ID), UserName: text(t.User.Name), UserDomainID: text(t.User.Domain.ID),
		ProjectID: text(t.Project.ID), ProjectName: text(t.Project.Name), ProjectDomainID: text(t.Project.Domain.ID), DomainID: text(t.Domain.ID), DomainName: text(t.Domain.Name),
		System: types.BoolValue(t.System != nil), Roles: client.List(ctx, names, &resp.Diagnostics)})...)
}
