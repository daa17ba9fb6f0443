package limit_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/limits"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

const (
	registered = `
data "cloudlet_service" "compute" {
  type = "compute"
}
data "cloudlet_project" "demo" {
  name = "demo"
}
resource "cloudlet_registered_limit" "gpus" {
  service_id    = data.cloudlet_service.compute.id
  resource_name = "gpus"
  default_limit = 4
}
`
	of    = "service_id = data.cloudlet_service.compute.id\nresource_name = cloudlet_registered_limit.gpus.resource_name\n"
	demos = of + "project_id = data.cloudlet_project.demo.id\n"
	at    = "cloudlet_limit.demo"
)

func limit(body string) string { return "resource \"cloudlet_limit\" \"demo\" {\n" + body + "\n}\n" }

func TestAccLimit(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	config := func(body string) string { return w.As("admin", registered+limit(body)) }
	changed := config(demos + "resource_limit = -1\ndescription = \"for people\"")
	c := w.Client("admin").Identity
	w.Run(
		providertest.Refused(config(of+"resource_limit = 1"), "", "one (and only one) of"),
		providertest.Refused(config(demos+"resource_limit = -2"), "resource_limit", "value must be between -1"),
		providertest.Refused(config(of+"project_id = \"nothing\"\nresource_limit = 1"), "project_id", "there is no project nothing"),
		providertest.Refused(config("project_id = data.cloudlet_project.demo.id\nservice_id = data.cloudlet_service.compute.id\nresource_name = \"cpus\"\nresource_limit = 1"), "resource_name", "no corresponding registered limit"),
		w.Apply(at, providertest.Create, config(demos+"resource_limit = 8"), "resource_limit=8", "description="),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Update, changed, "resource_limit=-1", "description=for people"),
		providertest.After(func() {
			four := 4
			if err := limits.Update(t.Context(), c, w.ID(at), limits.UpdateOpts{ResourceLimit: &four}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, changed, "resource_limit=-1")),
		providertest.After(func() {
			if err := limits.Delete(t.Context(), c, w.ID(at)).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, changed)),
		w.Apply(at, providertest.Replace, config(of+"domain_id = \"default\"\nresource_limit = 8"), "domain_id=default"),
		providertest.Refused(config(of+"domain_id = \"default\"\nresource_limit = 8")+"resource \"cloudlet_limit\" \"twice\" {\n"+of+"domain_id = \"default\"\nresource_limit = 1\n}\n", "resource_name", "Duplicate entry"),
	)
}

// TestAccStrictLimits: in the strict model no project has more than its domain.
func TestAccStrictLimits(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1, LimitModel: "strict_two_level"})
	config := func(domain, project string) string {
		return w.As("admin", registered+limit(demos+"resource_limit = "+project+"\ndepends_on = [cloudlet_limit.all]")+"resource \"cloudlet_limit\" \"all\" {\n"+of+"domain_id = \"default\"\nresource_limit = "+domain+"\n}\n")
	}
	w.Run(
		providertest.Refused(config("10", "11"), "resource_limit", "its domain has less"),
		w.Apply(at, providertest.Create, config("10", "10")),
		providertest.Refused(config("9", "10"), "resource_limit", "has more"),
		w.Apply(at, providertest.Update, config("20", "15"), "resource_limit=15"),
	)
}

func TestAccLimitDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	find := func(body string) string {
		return w.As("admin", registered+limit(demos+"resource_limit = 8")+"data \"cloudlet_limit\" \"f\" {\n"+body+"\n}\n")
	}
	w.Run(
		providertest.Refused(find(`resource_name = "nothing"`), "", "has no limit that is as configured"),
		providertest.Read("data.cloudlet_limit.f", find("resource_name = cloudlet_limit.demo.resource_name\nproject_id = cloudlet_limit.demo.project_id"), "id=*", "resource_limit=8"),
	)
}
