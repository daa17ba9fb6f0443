package region_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/regions"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

func TestAccRegion(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_region.r"
	region := func(body string) string { return "resource \"cloudlet_region\" \"r\" {\n" + body + "\n}\n" }
	config := func(body string) string { return w.As("admin", region(body)) }
	changed := config("id = \"south\"\ndescription = \"for people\"\nparent_region_id = \"RegionOne\"")
	c := w.Client("admin").Identity
	w.Run(
		providertest.Refused(w.As("demo", region(`id = "south"`)), "", "The cloud would refuse this change"),
		providertest.Refused(config(`id = "RegionOne"`), "", "RegionOne"),
		w.Apply(at, providertest.Create, config(`id = "south"`), "id=south", "description="),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Update, changed, "description=for people", "parent_region_id=RegionOne"),
		providertest.After(func() {
			drifted := "drifted"
			if err := regions.Update(t.Context(), c, "south", regions.UpdateOpts{Description: &drifted}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, changed, "description=for people")),
		providertest.After(func() {
			if err := regions.Delete(t.Context(), c, "south").Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, changed)),
		w.Apply(at, providertest.Update, config(`id = "south"`), "description="),
		w.Apply(at, providertest.Replace, config(`id = "west"`), "id=west"),
	)
}

func TestAccRegionDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "data.cloudlet_region.f"
	config := func(body string) string {
		return w.As("admin", "data \"cloudlet_region\" \"f\" {\n"+body+"\n}\n")
	}
	w.Run(
		providertest.Refused(config(`id = "nowhere"`), "", "Could not find region: nowhere"),
		providertest.Refused(config(`parent_region_id = "RegionOne"`), "", "has no region that is as configured"),
		providertest.Read(at, config(`id = "RegionOne"`), "id=RegionOne"),
	)
}
