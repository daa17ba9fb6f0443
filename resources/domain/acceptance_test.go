package domain_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/domains"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

func TestAccDomain(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_domain.d"
	domain := func(body string) string { return "resource \"cloudlet_domain\" \"d\" {\n" + body + "\n}\n" }
	config := func(body string) string { return w.As("admin", domain(body)) }
	changed := config("name = \"south\"\ndescription = \"for people\"\nenabled = false\ntags = [\"a\"]")
	people := config(`name = "south"`) + "resource \"cloudlet_project\" \"p\" {\nname = \"demo\"\ndomain_id = cloudlet_domain.d.id\n}\nresource \"cloudlet_user\" \"u\" {\nname = \"demo\"\ndomain_id = cloudlet_domain.d.id\n}\n"
	c := w.Client("admin").Identity
	w.Run(
		providertest.Refused(w.As("demo", domain(`name = "north"`)), "", "The cloud would refuse this change"),
		providertest.Refused(config(`name = "Default"`), "name", "Default"),
		w.Apply(at, providertest.Create, config(`name = "north"`), "name=north", "enabled=true", "tags.#=0", "immutable=false"),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Update, changed, "name=south", "description=for people", "enabled=false", "tags.#=1"),
		providertest.After(func() {
			if err := domains.Update(t.Context(), c, w.ID(at), domains.UpdateOpts{Name: "drifted"}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, changed, "name=south")),
		providertest.After(func() {
			if err := domains.Delete(t.Context(), c, w.ID(at)).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply("cloudlet_project.p", providertest.Create, people, "name=demo")),
		providertest.Read("data.cloudlet_domain.f", people+"data \"cloudlet_domain\" \"f\" {\nname = \"Default\"\n}\n", "id=default", "enabled=true"),
		w.Apply(at, providertest.Noop, people, "enabled=true"),
	)
}
