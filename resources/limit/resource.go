package limit

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
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
