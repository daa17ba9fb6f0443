package endpoint

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/cloudlet/cloudlet/provider/identity"
)

// NewResource returns cloudlet_endpoint.
func NewResource() resource.Resource {
	return identity.New(identity.Kind[model, wire]{
		Name: "endpoint", Plural: "endpoints", Schema: attributes(),
		Doc: "An address of a service in the catalog. Administrators make them.",
	})
}

func attributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"service_id": schema.StringAttribute{Required: true, MarkdownDescription: "Id of the service.", Validators: identity.Some()},
		"region_id":  schema.StringAttribute{Optional: true, MarkdownDescription: "Id of the region that it is in. Default: none.", Validators: identity.Some()},
		"interface": schema.StringAttribute{Required: true, MarkdownDescription: "Who it is for: `public`, `internal` or `admin`.",
			Validators: []validator.String{stringvalidator.OneOf("public", "internal", "admin")}},
		"url":     schema.StringAttribute{Required: true, MarkdownDescription: "The address; `$(project_id)s` in it stands for the caller's project.", Validators: identity.Some()},
		"enabled": identity.EnabledAttribute("Whether it is in the catalog."),
	}
}
