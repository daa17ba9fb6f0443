package flavor_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

func TestAccFlavor(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_flavor.f"
	flavor := func(body string) string {
		return "resource \"cloudlet_flavor\" \"f\" {\nname = \"tiny\"\nvcpus = 1\nram = 128\n" + body + "\n}\n"
	}
	changed := w.As("admin", flavor("disk = 1\ndescription = \"for people\"\nextra_specs = { \"hw_rng:allowed\" = \"true\", b = \"2\" }"))
	c := w.Client("admin").Compute
	w.Run(
		providertest.Refused(w.As("demo", flavor(`disk = 1`)), "", "The cloud would refuse this change"),
		providertest.Refused(w.As("admin", flavor(`disk = 2`)+"resource \"cloudlet_flavor\" \"g\" {\nname = \"m1.tiny\"\nvcpus = 1\nram = 1\ndisk = 1\n}\n"), "name", "m1.tiny"),
		w.Apply(at, providertest.Create, w.As("admin", flavor("disk = 1\nextra_specs = { a = \"1\" }")), "id=*", "is_public=true", "swap=0", "extra_specs.a=1"),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Update, changed, "description=for people", "extra_specs.%=2", "extra_specs.b=2"),
		providertest.After(func() {
			if err := flavors.DeleteExtraSpec(t.Context(), c, w.ID(at), "b").Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, changed, "extra_specs.b=2")),
		providertest.After(func() {
			if err := flavors.Delete(t.Context(), c, w.ID(at)).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, changed)),
		w.Apply(at, providertest.Replace, w.As("admin", flavor("disk = 2\nid = \"my-tiny\"")), "id=my-tiny", "disk=2", "extra_specs.%=0"),
	)
}

func TestAccFlavorDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	config := func(body string) string { return w.As("demo", "data \"cloudlet_flavor\" \"f\" {\n"+body+"\n}\n") }
	w.Run(
		providertest.Refused(config(`min_ram = 10000000`), "", "has no flavor that is as configured"),
		providertest.Read("data.cloudlet_flavor.f", config(`name = "m1.small"`), "id=*", "ram=2048", "vcpus=1", "disk=20"),
		providertest.Read("data.cloudlet_flavor.f", config("min_vcpus = 2\nmin_ram = 1000"), "name=m1.medium"),
	)
}
