package registeredlimit

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	source "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewResource returns cloudlet_registered_limit.
func NewResource() resource.Resource {
	fixed := func(doc string) schema.StringAttribute {
		a := identity.NameAttribute(doc+" Changing it replaces the registered limit.", 255)
		a.PlanModifiers = client.KeepOrReplace()
		return a
	}
	region := fixed("Id of the region that it is for. Default: all.")
	region.Required, region.Optional = false, true
	return identity.New(identity.Kind[model, wire]{
		Name: "registered_limit", Plural: "registered_limits", Many: true, Rests: limited,
		Doc: "How much of a resource of a service each project may have, unless a `cloudlet_limit` says otherwise. Administrators make them. " +
			"While limits rest on it, the API lets only `default_limit` and `description` change; so other changes replace it, after those limits.",
		Schema: map[string]schema.Attribute{
			"service_id":    fixed("Id of the service."),
			"region_id":     region,
			"resource_name": fixed("What is counted, as the service calls it, such as `image_count_total`. There is one registered limit of it for each service and region."),
			"default_limit": identity.LimitAttribute("How many a project may have; `-1` for any number."),
			"description":   client.DescriptionAttribute(),
		},
	})
}

// limited reports whether the API refused a delete because limits rest on it.
func limited(err error) bool {
	var e gophercloud.ErrUnexpectedResponseCode
	return errors.As(err, &e) && e.Actual == http.StatusForbidden && strings.Contains(string(e.Body), "project limits associated")
}

// NewDataSource returns the data source cloudlet_registered_limit.
func NewDataSource() datasource.DataSource {
	return identity.NewSource[registered, wire, *registered](identity.Source{Name: "registered_limit", Plural: "registered_limits",
		Doc: "Finds one registered limit: by service, region and what is counted, or by id.",
		Attributes: map[string]source.Attribute{
			"service_id":    managed.Asked("Id of the service."),
			"region_id":     managed.Asked("Id of the region that it is for; null if for all."),
			"resource_name": managed.Asked("What is counted."),
			"default_limit": managed.ToldInt("How many a project may have; `-1` for any number."),
			"description":   managed.Told("Description, for people."),
		}})
}

// wire is a registered limit as the API gives it.
type wire struct {
	ID          string `json:"id"`
	ServiceID   string `json:"service_id"`
	RegionID    string `json:"region_id"`
	Resource    string `json:"resource_name"`
	Default     int64  `json:"default_limit"`
	Description string `json:"description"`
}

// registered is what Terraform knows of a registered limit.
type registered struct {
	managed.Thing
	ServiceID   types.String `tfsdk:"service_id"`
	RegionID    types.String `tfsdk:"region_id"`
	Resource    types.String `tfsdk:"resource_name"`
	Default     types.Int64  `tfsdk:"default_limit"`
	Description types.String `tfsdk:"description"`
}

// model is the resource as Terraform keeps it.
type model struct {
	registered
	managed.Timed
}

// Attributes implements managed.Model.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "service_id", Value: m.ServiceID},
		{Wire: "region_id", Value: m.RegionID},
		{Wire: "resource_name", Value: m.Resource},
		{Wire: "default_limit", Value: m.Default, Update: true},
		{Wire: "description", Value: m.Description, Update: true},
	}
}

// Fill implements managed.Model.
func (r *registered) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	r.ID = types.StringValue(w.ID)
	r.ServiceID = types.StringValue(w.ServiceID)
	r.RegionID = client.StringOrNull(w.RegionID)
	r.Resource = types.StringValue(w.Resource)
	r.Default = types.Int64Value(w.Default)
	r.Description = types.StringValue(w.Description)
}

// Query implements identity.Found.
func (r *registered) Query() url.Values {
	return identity.Query(map[string]types.String{"service_id": r.ServiceID, "region_id": r.RegionID, "resource_name": r.Resource})
}
