package registeredlimit

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
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
