package endpoint_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/endpoints"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

const service = `
resource "cloudlet_service" "s" {
  name = "swift"
  type = "object-store"
}
`

func TestAccEndpoint(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_endpoint.e"
	config := func(body string) string {
		return w.As("admin", service+"resource \"cloudlet_endpoint\" \"e\" {\n"+body+"\n}\n")
	}
	const of = "service_id = cloudlet_service.s.id\n"
	first := config(of + "region_id = \"RegionOne\"\ninterface = \"public\"\nurl = \"http://192.0.2.1/$(project_id)s\"")
	changed := config(of + "interface = \"internal\"\nurl = \"http://192.0.2.2/\"\nenabled = false")
	c := w.Client("admin").Identity
	w.Run(
		providertest.Refused(config(of+"interface = \"secret\"\nurl = \"http://192.0.2.1/\""), "interface", "value must be one of"),
		providertest.Refused(config("service_id = \"nothing\"\ninterface = \"public\"\nurl = \"http://192.0.2.1/\""), "", "nothing"),
		providertest.Refused(config(of+"interface = \"public\"\nregion_id = \"nowhere\"\nurl = \"http://192.0.2.1/\""), "", "nowhere"),
		w.Apply(at, providertest.Create, first, "region_id=RegionOne", "interface=public", "enabled=true"),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Update, changed, "interface=internal", "url=http://192.0.2.2/", "enabled=false"),
		providertest.After(func() {
			if err := endpoints.Update(t.Context(), c, w.ID(at), endpoints.UpdateOpts{Availability: gophercloud.AvailabilityAdmin}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, changed, "interface=internal")),
		providertest.After(func() {
			if err := endpoints.Delete(t.Context(), c, w.ID(at)).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, changed)),
	)
}

func TestAccEndpointDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "data.cloudlet_endpoint.f"
	config := func(body string) string {
		return w.As("admin", "data \"cloudlet_service\" \"s\" {\ntype = \"compute\"\n}\n"+"data \"cloudlet_endpoint\" \"f\" {\n"+body+"\n}\n")
	}
	w.Run(
		providertest.Refused(config(`interface = "public"`), "", "endpoints are as configured; say more"),
		providertest.Refused(config(`id = "nothing"`), "", "Could not find endpoint: nothing"),
		providertest.Read(at, config("service_id = data.cloudlet_service.s.id\ninterface = \"public\""), "id=*", "region_id=RegionOne", "enabled=true", "url=*"),
	)
}
