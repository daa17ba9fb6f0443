package instance_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/attachinterfaces"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

const at = "cloudlet_instance.i"

// there is what instances are made of: an image, two networks, a group, keys and
// a port.
func there(image string) string {
	return `
resource "cloudlet_image" "i" {
  name        = "img"
  source_file = "` + image + `"
}
resource "cloudlet_network" "n" {
  count = 2
  name  = "net${count.index}"
}
resource "cloudlet_subnet" "s" {
  count      = 2
  name       = "sub"
  network_id = cloudlet_network.n[count.index].id
  cidr       = "10.${count.index}.0.0/24"
}
resource "cloudlet_security_group" "g" {
  name = "group"
}
resource "cloudlet_keypair" "k" {
  count      = 2
  name       = "key${count.index}"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl one"
}
resource "cloudlet_port" "p" {
  network_id = cloudlet_subnet.s[1].network_id
  fixed_ips  = [{ ip_address = "10.1.0.9" }]
}
`
}

func TestAccInstance(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 2})
	base := there(providertest.QCOW2(t, 1))
	config := func(body string) string {
		return w.As("demo", base+"resource \"cloudlet_instance\" \"i\" {\nimage_id = cloudlet_image.i.id\n"+body+"\n}\n")
	}
	const made = "networks = [{ network_id = cloudlet_subnet.s[0].network_id }]\n"
	const both = "networks = [{ network_id = cloudlet_subnet.s[0].network_id }, { port_id = cloudlet_port.p.id }]\n"
	first := config(made + "name = \"one\"\nflavor_name = \"m1.tiny\"\nkey_pair = cloudlet_keypair.k[0].name\nuser_data = \"#!/bin/sh\\necho hello\\n\"\nmetadata = { role = \"web\" }")
	rest := "flavor_name = \"m1.tiny\"\nkey_pair = cloudlet_keypair.k[0].name\nsecurity_group_ids = [cloudlet_security_group.g.id]\nuser_data = \"#!/bin/sh\\necho bye\\n\"\n"
	second := config(both + rest + "name = \"two\"\ndescription = \"for people\"\nmetadata = { role = \"db\", tier = \"2\" }\ntags = [\"a\", \"b\"]")
	off := config(both + rest + "name = \"two\"\npower_state = \"shutoff\"")
	on := config(made + rest + "name = \"two\"")
	c := w.Client("demo").Compute
	w.Run(
		w.Apply(at, providertest.Create, first, "name=one", "ipv4_address=*", "networks.#=1", "networks.0.port_id=*", "networks.0.mac_address=*", "power_state=active",
			"availability_zone=nova", "flavor_id=*", "metadata.role=web", "security_group_ids.#=1", "config_drive=false"),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Update, second, "name=two", "description=for people", "metadata.%=2", "tags.#=2", "networks.#=2", "networks.1.fixed_ip=10.1.0.9", "security_group_ids.#=1", "power_state=active"),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Update, off, "power_state=shutoff", "metadata.%=0", "tags.#=0"),
		w.Apply(at, providertest.Update, on, "power_state=active", "networks.#=1"),
		providertest.After(func() {
			name := "drifted"
			if err := servers.Update(t.Context(), c, w.ID(at), servers.UpdateOpts{Name: name}).Err; err != nil {
				t.Error(err)
			}
			if err := servers.Stop(t.Context(), c, w.ID(at)).ExtractErr(); err != nil {
				t.Error(err)
			}
			wait(t, w, w.ID(at), "SHUTOFF")
		}, w.Apply(at, providertest.Update, on, "name=two", "power_state=active")),
		providertest.After(func() { // an administrator says that it is in error
			if err := servers.ResetState(t.Context(), w.Client("admin").Compute, w.ID(at), servers.StateError).ExtractErr(); err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, on, "power_state=active")),
		providertest.After(func() {
			if err := servers.Delete(t.Context(), c, w.ID(at)).ExtractErr(); err != nil {
				t.Error(err)
			}
			wait(t, w, w.ID(at), "")
		}, w.Apply(at, providertest.Create, on)),
		w.Apply(at, providertest.Replace, config(made+"name = \"two\"\nflavor_name = \"m1.tiny\"\nkey_pair = cloudlet_keypair.k[1].name"), "key_pair=key1"),
		w.Apply(at, providertest.Replace, config(made+"name = \"two\"\nflavor_name = \"m1.small\"\nkey_pair = cloudlet_keypair.k[1].name"), "flavor_name=m1.small"),
	)
}

// wait waits until a server has a status, or with "" is gone.
func wait(t *testing.T, w *providertest.World, id, status string) {
	t.Helper()
	c := w.Client("demo")
	err := c.Wait(t.Context(), c.Compute, c.Compute.ServiceURL("servers", id), func(body []byte) (bool, error) {
		return status != "" && contains(body, `"status":"`+status+`"`), nil
	})
	if err != nil && status != "" {
		t.Error(err)
	}
}

// TestAccInstancePorts: what is named is plugged in and out, never deleted; what
// was made goes with the instance.
func TestAccInstancePorts(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	base := there(providertest.QCOW2(t, 1))
	config := func(body string) string {
		return w.As("demo", base+"resource \"cloudlet_instance\" \"i\" {\nname = \"i\"\nimage_id = cloudlet_image.i.id\nflavor_name = \"m1.tiny\"\n"+body+"\n}\n")
	}
	owner := func(want string) resource.TestCheckFunc {
		return func(s *terraform.State) error {
			p, err := ports.Get(t.Context(), w.Client("demo").Network, s.RootModule().Resources["cloudlet_port.p"].Primary.ID).Extract()
			if err != nil {
				return err
			}
			if p.DeviceID != want && want != "*" || want == "*" && p.DeviceID == "" {
				return fmt.Errorf("the port is plugged into %q, not %q", p.DeviceID, want)
			}
			return nil
		}
	}
	check := func(step resource.TestStep, owned string) resource.TestStep {
		step.Check = resource.ComposeTestCheckFunc(step.Check, owner(owned))
		return step
	}
	named, made := "{ port_id = cloudlet_port.p.id }", "{ network_id = cloudlet_subnet.s[0].network_id }"
	w.Run(
		check(w.Apply(at, providertest.Create, config("networks = ["+named+"]"), "networks.#=1", "ipv4_address=10.1.0.9"), "*"),
		check(w.Apply(at, providertest.Update, config("networks = ["+made+", "+named+"]"), "networks.#=2", "networks.1.fixed_ip=10.1.0.9", "security_group_ids.#=1"), "*"),
		check(w.Apply(at, providertest.Update, config("networks = ["+made+"]"), "networks.#=1", "security_group_ids.#=1"), ""),
		w.Apply(at, providertest.Update, config(`networks = [{ network_id = cloudlet_subnet.s[0].network_id, fixed_ip = "10.0.0.77" }]`), "ipv4_address=10.0.0.77"),
		providertest.After(func() { // a card that nobody configured
			if err := attachinterfaces.Create(t.Context(), w.Client("demo").Compute, w.ID(at), attachinterfaces.CreateOpts{NetworkID: network(t, w, "net1")}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, config(`networks = [{ network_id = cloudlet_subnet.s[0].network_id, fixed_ip = "10.0.0.77" }]`), "networks.#=1", "ipv4_address=10.0.0.77")),
		w.Apply(at, providertest.Update, config("networks = []"), "networks.#=0"),
		check(w.Apply(at, providertest.Update, config("networks = ["+named+"]"), "networks.#=1"), "*"),
		providertest.After(func() { // a card taken out
			p := w.Client("demo")
			all, err := ports.List(p.Network, ports.ListOpts{DeviceID: w.ID(at)}).AllPages(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			mine, err := ports.ExtractPorts(all)
			if err != nil || len(mine) != 1 {
				t.Fatal(mine, err)
			}
			if err := attachinterfaces.Delete(t.Context(), p.Compute, w.ID(at), mine[0].ID).ExtractErr(); err != nil {
				t.Error(err)
			}
		}, check(w.Apply(at, providertest.Update, config("networks = ["+named+"]"), "networks.#=1", "ipv4_address=10.1.0.9"), "*")),
		providertest.Read("cloudlet_port.p", w.As("demo", base), "id=*"), // the instance is gone, its port is not
	)
}

// network returns the id of the network of a name.
func network(t *testing.T, w *providertest.World, name string) string {
	t.Helper()
	pages, err := networks.List(w.Client("demo").Network, networks.ListOpts{Name: name}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := networks.ExtractNetworks(pages)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	return all[0].ID
}

func TestAccInstanceWriteOnly(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	base := there(providertest.QCOW2(t, 1))
	config := func(body string) string {
		return w.As("demo", base+"resource \"cloudlet_instance\" \"i\" {\nname = \"i\"\nimage_id = cloudlet_image.i.id\nflavor_name = \"m1.tiny\"\nnetworks = []\n"+body+"\n}\n")
	}
	told := func(want string) resource.TestCheckFunc {
		return func(*terraform.State) error {
			var s struct {
				UserData *string `json:"OS-EXT-SRV-ATTR:user_data"`
			}
			if err := servers.Get(t.Context(), w.Client("demo").Compute, w.ID(at)).ExtractInto(&s); err != nil {
				return err
			}
			if s.UserData == nil && want != "" || s.UserData != nil && *s.UserData != want {
				return fmt.Errorf("the guest's user data is not %q", want)
			}
			return nil
		}
	}
	check := func(step resource.TestStep, want string) resource.TestStep {
		step.Check = resource.ComposeTestCheckFunc(step.Check, resource.TestCheckNoResourceAttr(at, "user_data_wo"), told(want))
		return step
	}
	w.Run(
		check(w.Apply(at, providertest.Create, config("user_data_wo = \"#!one\"\nuser_data_wo_version = 1")), "IyFvbmU="),
		check(w.Apply(at, providertest.Update, config("user_data_wo = \"#!two\"\nuser_data_wo_version = 2")), "IyF0d28="),
		check(w.Apply(at, providertest.Update, config(`user_data = "#!three"`), "user_data=#!three"), "IyF0aHJlZQ=="),
		check(w.Apply(at, providertest.Update, config(``)), ""),
	)
}

func contains(body []byte, text string) bool { return strings.Contains(string(body), text) }

func TestAccInstanceDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1, CheckLeaks: true})
	const at = "data.cloudlet_instance.i"
	made := `
resource "cloudlet_image" "i" {
  name        = "img"
  source_file = "` + providertest.QCOW2(t, 1) + `"
}
resource "cloudlet_network" "n" {
  name = "net"
}
resource "cloudlet_subnet" "s" {
  name       = "sub"
  network_id = cloudlet_network.n.id
  cidr       = "10.1.0.0/24"
}
resource "cloudlet_instance" "i" {
  count     = 2
  name      = ["a.b", "aXb"][count.index]
  image_id  = cloudlet_image.i.id
  flavor_id = "1"
  networks  = [{ network_id = cloudlet_subnet.s.network_id }]
  metadata  = { role = "web" }
  tags      = ["t"]
}
`
	source := func(body string) string {
		return w.As("demo", made+"data \"cloudlet_instance\" \"i\" {\ndepends_on = [cloudlet_instance.i]\n"+body+"\n}\n")
	}
	w.Run(
		w.Apply("cloudlet_instance.i[0]", providertest.Create, w.As("demo", made)),
		providertest.Refused(source(`name = "none"`), "", "has no instance that is as configured"),
		providertest.Read(at, source(`name = "a.b"`), "flavor_id=1", "flavor_name=*", "image_id=*", "networks.#=1", "networks.0.fixed_ip=*", "networks.0.mac_address=*", "ipv4_address=*",
			"security_group_ids.#=1", "metadata.role=web", "tags.#=1", "power_state=active", "availability_zone=nova"),
		providertest.Read(at, source(`id = cloudlet_instance.i[1].id`), "name=aXb", "config_drive=false"),
	)
}
