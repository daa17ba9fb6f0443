package limit

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	source "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewResource returns cloudlet_limit.
func NewResource() resource.Resource {
	fixed := func(doc string, more ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, PlanModifiers: client.KeepOrReplace(), Validators: append(more, identity.Some()...), MarkdownDescription: doc + " Changing it replaces the limit."}
	}
	needed := func(doc string) schema.StringAttribute {
		a := fixed(doc)
		a.Required, a.Optional = true, false
		return a
	}
	return identity.New(identity.Kind[model, wire]{
		Name: "limit", Plural: "limits", Many: true,
		Doc: "How much of a resource of a service one project, or one domain, may have. Administrators make them. " +
			"There must be a registered limit of the same service, region and resource: refer to it, so that it is made first. " +
			"In the model `strict_two_level` no project may have more than its domain; where both change, let one depend on the other.",
		Schema: map[string]schema.Attribute{
			"project_id":     fixed("Id of the project.", stringvalidator.ExactlyOneOf(path.MatchRoot("project_id"), path.MatchRoot("domain_id"))),
			"domain_id":      fixed("Id of the domain, instead of a project."),
			"service_id":     needed("Id of the service."),
			"region_id":      fixed("Id of the region that it is for. Default: all, if the registered limit is for all."),
			"resource_name":  needed("What is counted, as in the registered limit."),
			"resource_limit": identity.LimitAttribute("How many the project or domain may have; `-1` for any number."),
			"description":    client.DescriptionAttribute(),
		},
	})
}

// NewDataSource returns the data source cloudlet_limit.
func NewDataSource() datasource.DataSource {
	return identity.NewSource[limit, wire, *limit](identity.Source{Name: "limit", Plural: "limits",
		Doc: "Finds one limit of a project or a domain: by whose it is, service, region and what is counted, or by id.",
		Attributes: map[string]source.Attribute{
			"project_id":     managed.Asked("Id of the project; null if it is a domain's."),
			"domain_id":      managed.Asked("Id of the domain; null if it is a project's."),
			"service_id":     managed.Asked("Id of the service."),
			"region_id":      managed.Asked("Id of the region that it is for; null if for all."),
			"resource_name":  managed.Asked("What is counted."),
			"resource_limit": managed.ToldInt("How many the project or domain may have; `-1` for any number."),
			"description":    managed.Told("Description, for people."),
		}})
}

// wire is a limit as the API gives it.
type wire struct {
	ID          string `json:"id"`
	ProjectID   string `json:"project_id"`
	DomainID    string `json:"domain_id"`
	ServiceID   string `json:"service_id"`
	RegionID    string `json:"region_id"`
	Resource    string `json:"resource_name"`
	Max         int64  `json:"resource_limit"`
	Description string `json:"description"`
}

// limit is what Terraform knows of a limit.
type limit struct {
	managed.Thing
	ProjectID   types.String `tfsdk:"project_id"`
	DomainID    types.String `tfsdk:"domain_id"`
	ServiceID   types.String `tfsdk:"service_id"`
	RegionID    types.String `tfsdk:"region_id"`
	Resource    types.String `tfsdk:"resource_name"`
	Max         types.Int64  `tfsdk:"resource_limit"`
	Description types.String `tfsdk:"description"`
}

// model is the resource as Terraform keeps it.
type model struct {
	limit
	managed.Timed
}

// Attributes implements managed.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "project_id", Value: m.ProjectID},
		{Wire: "domain_id", Value: m.DomainID},
		{Wire: "service_id", Value: m.ServiceID},
		{Wire: "region_id", Value: m.RegionID},
		{Wire: "resource_name", Value: m.Resource},
		{Wire: "resource_limit", Value: m.Max, Update: true},
		{Wire: "description", Value: m.Description, Update: true},
	}
}

// Fill implements managed.Model.
func (l *limit) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	l.ID = types.StringValue(w.ID)
	l.ProjectID, l.DomainID = client.StringOrNull(w.ProjectID), client.StringOrNull(w.DomainID)
	l.ServiceID = types.StringValue(w.ServiceID)
	l.RegionID = client.StringOrNull(w.RegionID)
	l.Resource = types.StringValue(w.Resource)
	l.Max = types.Int64Value(w.Max)
	l.Description = types.StringValue(w.Description)
}

// Query implements identity.Found.
func (l *limit) Query() url.Values {
	return identity.Query(map[string]types.String{"project_id": l.ProjectID, "domain_id": l.DomainID, "service_id": l.ServiceID, "region_id": l.RegionID, "resource_name": l.Resource})
}
