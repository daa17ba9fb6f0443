package instance_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// TestAccInstanceRefused: what apply would refuse, the plan tells, with the
// attribute at fault and the reason; and it leaves nothing.
func TestAccInstanceRefused(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 2})
	foreign, err := networks.Create(t.Context(), w.Client("admin").Network, networks.CreateOpts{Name: "foreign"}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	base := there(providertest.QCOW2(t, 3))
	refused := func(body, attribute, words string) resource.TestStep {
		return providertest.Refused(w.As("demo", base+"resource \"cloudlet_instance\" \"i\" {\nname = \"i\"\n"+body+"\n}\n"), attribute, words)
	}
	const image, flavor, none = "image_id = cloudlet_image.i.id\n", "flavor_name = \"m1.small\"\n", "networks = []\n"
	fresh := refused("count = 11\nnetworks = []\nimage_id = cloudlet_image.i.id\nflavor_name = \"m1.small\"", "flavor_name", "Quota exceeded for instances") // nothing is there yet
	w.Run(
		fresh,
		refused(none+"image_id = cloudlet_image.i.id\nflavor_name = \"m1.tiny\"", "flavor_name", "disk would be too small"), // told from the file
		w.Apply("cloudlet_image.i", providertest.Create, w.As("demo", base)),
		refused(image+none+`flavor_name = "huge"`, "flavor_name", `there is no flavor of the name "huge"`),
		refused(image+none+`flavor_id = "huge"`, "flavor_id", "flavor huge could not be found"),
		refused(flavor+none+`image_name = "nowhere"`, "image_name", `there is no active image of the name "nowhere"`),
		refused(flavor+none+`image_id = "3f0c5a52-0000-4000-8000-000000000001"`, "image_id", "could not be found"),
		refused(image+none+`flavor_name = "m1.tiny"`, "flavor_name", "disk is too small for requested image"),
		refused(image+flavor+none+`key_pair = "nobody"`, "key_pair", "keypair nobody not found"),
		refused(image+flavor+none+`availability_zone = "mars"`, "availability_zone", "mars"),
		refused(image+flavor+`networks = [{ network_id = "`+foreign.ID+`" }]`, "networks", "could not be found"),
		refused(image+flavor+`networks = [{ network_id = cloudlet_subnet.s[0].network_id, fixed_ip = "10.9.9.9" }]`, "networks", "10.9.9.9"),
		refused(image+flavor+none+"count = 11", "flavor_name", "Quota exceeded for instances"),
		refused(image+none+"flavor_name = \"m1.xlarge\"\ncount = 3", "flavor_name", "Quota exceeded for cores"),
		refused(image+flavor+"networks = [{ port_id = cloudlet_port.p.id }]\nsecurity_group_ids = [cloudlet_security_group.g.id]", "security_group_ids", "A port has groups of its own"),
		refused(image+flavor+"networks = [{ fixed_ip = \"10.0.0.1\" }]", "networks", "Give network_id, for a card"),
		refused(image+flavor+"networks = [{ port_id = \"x\" }, { port_id = \"x\" }]", "networks", "networks[0] has the same port"),
		refused(image+flavor+"scheduler_hints = {}", "scheduler_hints", "Give at least one"),
		refused(image+flavor+"user_data_wo = \"x\"", "user_data_wo", "user_data_wo_version"),
		refused(image+flavor+"image_name = \"img\"", "image_id", "one (and only one)"),
		w.Apply("cloudlet_image.i", providertest.Noop, w.As("demo", base)),
	)
	pages, err := servers.List(w.Client("admin").Compute, servers.ListOpts{AllTenants: true}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left, err := servers.ExtractServers(pages); err != nil || len(left) > 0 {
		t.Errorf("plans have left %v, %v", left, err)
	}
}

// TestAccInstanceRoom: each of five would fit, and the plan has no room for all.
func TestAccInstanceRoom(t *testing.T) {
	o := cloudtest.Options{Hosts: 2}
	o.Host.VCPUs, o.Host.MemoryMiB, o.Host.DiskGiB = 8, 32768, 100 // two m1.medium of 40 GiB each
	w := providertest.Start(t, o)
	base := there(providertest.QCOW2(t, 1))
	config := func(count string) string {
		return w.As("demo", base+"resource \"cloudlet_instance\" \"i\" {\ncount = "+count+"\nname = \"i\"\nimage_id = cloudlet_image.i.id\nflavor_name = \"m1.medium\"\nnetworks = []\n}\n")
	}
	const first = "cloudlet_instance.i[0]"
	w.Run(
		providertest.Refused(config("5"), "flavor_name", "Of 2 hosts: 2 refused by disk."),
		w.Apply(first, providertest.Create, config("4")),
	)
}

// TestAccInstanceOfPlannedFlavor: a flavor that the same plan makes counts.
func TestAccInstanceOfPlannedFlavor(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	config := w.As("admin", there(providertest.QCOW2(t, 1))+`
resource "cloudlet_flavor" "f" {
  name  = "big"
  vcpus = 1
  ram   = 20000
  disk  = 1
}
resource "cloudlet_instance" "i" {
  count     = 3
  name      = "i"
  image_id  = cloudlet_image.i.id
  flavor_id = cloudlet_flavor.f.id
  networks  = []
}
`)
	w.Run(providertest.Refused(config, "flavor_id", "Quota exceeded for ram"))
}

// TestAccInstanceStays: what is there and stays counts with what the plan adds.
func TestAccInstanceStays(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	base := there(providertest.QCOW2(t, 1))
	some := func(name, count string) string {
		return "resource \"cloudlet_instance\" \"" + name + "\" {\ncount = " + count + "\nname = \"" + name + "\"\nimage_id = cloudlet_image.i.id\nflavor_name = \"m1.tiny\"\nnetworks = []\n}\n"
	}
	w.Run(
		w.Apply("cloudlet_instance.i[0]", providertest.Create, w.As("demo", base+some("i", "8"))),
		providertest.Refused(w.As("demo", base+some("i", "8")+some("j", "3")), "flavor_name", "Quota exceeded for instances"),
		w.Apply("cloudlet_instance.j[0]", providertest.Create, w.As("demo", base+some("i", "8")+some("j", "2"))),
	)
}
