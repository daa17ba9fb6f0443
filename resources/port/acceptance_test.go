package port_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

const there = `
resource "cloudlet_network" "n" {
  name = "net"
}
resource "cloudlet_subnet" "s" {
  name       = "sub"
  network_id = cloudlet_network.n.id
  cidr       = "10.1.0.0/24"
}
resource "cloudlet_security_group" "g" {
  name = "group"
}
`

func TestAccPort(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_port.p"
	config := func(body string) string {
		return w.As("demo", there+"resource \"cloudlet_port\" \"p\" {\nnetwork_id = cloudlet_subnet.s.network_id\n"+body+"\n}\n")
	}
	changed := config(`
name                  = "port"
description           = "for people"
fixed_ips             = [{ ip_address = "10.1.0.9" }, { subnet_id = cloudlet_subnet.s.id }]
security_group_ids    = [cloudlet_security_group.g.id]
allowed_address_pairs = [{ ip_address = "10.5.0.0/24" }, { ip_address = "10.6.0.1", mac_address = "02:00:5e:10:00:01" }]
`)
	c := w.Client("demo").Network
	w.Run(
		w.Apply(at, providertest.Create, config(``), "fixed_ips.#=1", "mac_address=*", "security_group_ids.#=1", "port_security_enabled=true"),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Update, changed, "name=port", "fixed_ips.#=2", "fixed_ips.0.ip_address=10.1.0.9", "security_group_ids.#=1", "allowed_address_pairs.#=2"),
		providertest.Import(at),
		providertest.Adopt(at),
		providertest.After(func() {
			if err := ports.Update(t.Context(), c, w.ID(at), ports.UpdateOpts{SecurityGroups: &[]string{}}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, changed, "security_group_ids.#=1")),
		providertest.After(func() {
			if err := ports.Delete(t.Context(), c, w.ID(at)).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, changed, "name=port")),
		w.Apply(at, providertest.Replace, config(`mac_address = "02:00:5e:10:00:07"`), "mac_address=02:00:5e:10:00:07"),
		w.Apply(at, providertest.Update, config("mac_address = \"02:00:5e:10:00:07\"\nsecurity_group_ids = []\nport_security_enabled = false\nfixed_ips = []"), "port_security_enabled=false", "fixed_ips.#=0"),
	)
}

func TestAccPortRefused(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	foreign, err := networks.Create(t.Context(), w.Client("admin").Network, networks.CreateOpts{Name: "foreign"}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	port := func(name, body string) string {
		return "resource \"cloudlet_port\" \"" + name + "\" {\n" + body + "\n}\n"
	}
	on := "network_id = cloudlet_subnet.s.network_id\n"
	w.Run(
		providertest.Refused(w.As("demo", port("p", `network_id = "`+foreign.ID+`"`)), "network_id", "could not be found"),
		providertest.Refused(w.As("demo", port("p", "network_id = \"x\"\nmac_address = \"01:00:5e:10:00:01\"")), "mac_address", "multicast"),
		w.Apply("cloudlet_port.p", providertest.Create, w.As("demo", there+port("p", on+`fixed_ips = [{ ip_address = "10.1.0.9" }]`))),
		providertest.Refused(w.As("demo", there+port("p", on+`fixed_ips = [{ ip_address = "10.1.0.9" }]`)+port("q", on+`fixed_ips = [{ ip_address = "10.1.0.9" }]`)), "fixed_ips", "10.1.0.9"),
		providertest.Refused(w.As("demo", there+port("p", on+`fixed_ips = [{ ip_address = "10.9.0.9" }]`)), "fixed_ips", "10.9.0.9"),
	)
}

func TestAccPortDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: -1})
	const at = "data.cloudlet_port.p"
	made := there + `
resource "cloudlet_port" "p" {
  network_id            = cloudlet_subnet.s.network_id
  name                  = "one"
  fixed_ips             = [{ ip_address = "10.1.0.9" }, { ip_address = "10.1.0.10" }]
  allowed_address_pairs = [{ ip_address = "10.5.0.0/24" }]
}
resource "cloudlet_port" "q" {
  network_id = cloudlet_subnet.s.network_id
  name       = "two"
  fixed_ips  = [{ ip_address = "10.1.0.11" }]
}
`
	source := func(body string) string {
		return w.As("demo", made+"data \"cloudlet_port\" \"p\" {\ndepends_on = [cloudlet_port.p, cloudlet_port.q]\n"+body+"\n}\n")
	}
	several := providertest.Refused(source(`network_id = cloudlet_network.n.id`), "", "ports are as configured")
	several.PlanOnly = false // the ports are made first
	w.Run(
		several,
		providertest.Refused(source(`name = "none"`), "", "has no port that is as configured"),
		providertest.Read(at, source(`name = "one"`), "fixed_ip=10.1.0.9", "fixed_ips.#=2", "mac_address=*", "security_group_ids.#=1", "allowed_address_pairs.#=1", "port_security_enabled=true"),
		providertest.Read(at, source(`fixed_ip = "10.1.0.10"`), "name=one", "fixed_ip=10.1.0.10"),
		providertest.Read(at, source("network_id = cloudlet_network.n.id\nmac_address = cloudlet_port.q.mac_address"), "name=two"),
	)
}
