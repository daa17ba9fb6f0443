package registeredlimit_test

import (
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/registeredlimits"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

const services = `
data "cloudlet_service" "compute" {
  type = "compute"
}
data "cloudlet_service" "image" {
  type = "image"
}
`

func TestAccRegisteredLimit(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_registered_limit.gpus"
	registered := func(body string) string {
		return services + "resource \"cloudlet_registered_limit\" \"gpus\" {\n" + body + "\n}\n"
	}
	config := func(body string) string { return w.As("admin", registered(body)) }
	const of = "service_id = data.cloudlet_service.compute.id\nresource_name = \"gpus\"\n"
	changed := config(of + "default_limit = -1\ndescription = \"for people\"")
	// A limit rests on it, and is replaced with it.
	resting := func(service string) string {
		return config("service_id = data.cloudlet_service."+service+".id\nresource_name = \"gpus\"\ndefault_limit = 1") + `
resource "cloudlet_limit" "l" {
  domain_id      = "default"
  service_id     = cloudlet_registered_limit.gpus.service_id
  resource_name  = cloudlet_registered_limit.gpus.resource_name
  resource_limit = 2
}
`
	}
	c := w.Client("admin").Identity
	w.Run(
		providertest.Refused(w.As("demo", strings.TrimPrefix(registered("service_id = \"any\"\nresource_name = \"gpus\"\ndefault_limit = 1"), services)), "", "The cloud would refuse this change"),
		providertest.Refused(config(of+"default_limit = -2"), "default_limit", "value must be between -1"),
		providertest.Refused(config("service_id = \"nothing\"\nresource_name = \"gpus\"\ndefault_limit = 1"), "service_id", "there is no service nothing"),
		providertest.Refused(config(of+"default_limit = 1\nregion_id = \"nowhere\""), "region_id", "there is no region nowhere"),
		w.Apply(at, providertest.Create, config(of+"default_limit = 4"), "default_limit=4", "description="),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Update, changed, "default_limit=-1", "description=for people"),
		w.Apply(at, providertest.Replace, config(of+"default_limit = 4\nregion_id = \"RegionOne\""), "region_id=RegionOne"),
		w.Apply(at, providertest.Replace, changed, "default_limit=-1"),
		providertest.After(func() {
			four := 4
			if err := registeredlimits.Update(t.Context(), c, w.ID(at), registeredlimits.UpdateOpts{DefaultLimit: &four}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, changed, "default_limit=-1")),
		w.Apply(at, providertest.Update, config(of+"default_limit = 4"), "default_limit=4"),
		providertest.After(func() {
			if err := registeredlimits.Delete(t.Context(), c, w.ID(at)).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, config(of+"default_limit = 4"))),
		providertest.Refused(config(of+"default_limit = 4")+"resource \"cloudlet_registered_limit\" \"twice\" {\n"+of+"default_limit = 1\n}\n", "resource_name", "Duplicate entry"),
		w.Apply(at, providertest.Update, resting("compute")),
		w.Apply(at, providertest.Replace, resting("image"), "default_limit=1"),
		w.Apply("cloudlet_limit.l", providertest.Noop, resting("image")),
	)
}

func TestAccRegisteredLimitDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	find := func(body string) string {
		return w.As("admin", services+`
resource "cloudlet_registered_limit" "gpus" {
  service_id    = data.cloudlet_service.compute.id
  resource_name = "gpus"
  default_limit = 4
}
data "cloudlet_registered_limit" "f" {
`+body+"\n}\n")
	}
	w.Run(
		providertest.Refused(find(`resource_name = "nothing"`), "", "has no registered limit that is as configured"),
		providertest.Read("data.cloudlet_registered_limit.f", find("resource_name = cloudlet_registered_limit.gpus.resource_name"), "id=*", "default_limit=4"),
	)
}
