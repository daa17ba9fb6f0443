package subnet_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

const network = "resource \"cloudlet_network\" \"n\" {\n  name = \"net\"\n}\n"

func TestAccSubnet(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_subnet.s"
	config := func(body string) string {
		return w.As("demo", network+"resource \"cloudlet_subnet\" \"s\" {\nname = \"sub\"\nnetwork_id = cloudlet_network.n.id\n"+body+"\n}\n")
	}
	const pool = "allocation_pools = [{ start = \"10.1.0.10\", end = \"10.1.0.200\" }]\n"
	changed := config(pool + `
cidr            = "10.1.0.0/24"
description     = "for people"
gateway_ip      = "10.1.0.254"
enable_dhcp     = false
dns_nameservers = ["9.9.9.9", "1.1.1.1"]
host_routes     = [{ destination = "10.9.0.0/16", nexthop = "10.1.0.7" }]
`)
	moved := config("cidr = \"10.2.0.0/24\"\nno_gateway = true\nallocation_pools = [{ start = \"10.2.0.10\", end = \"10.2.0.20\" }]")
	c := w.Client("demo").Network
	w.Run(
		w.Apply(at, providertest.Create, config("cidr = \"10.1.0.0/24\"\n"+pool), "ip_version=4", "gateway_ip=10.1.0.1", "enable_dhcp=true", "allocation_pools.#=1"),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Update, changed, "gateway_ip=10.1.0.254", "dns_nameservers.0=9.9.9.9", "dns_nameservers.1=1.1.1.1", "host_routes.#=1", "enable_dhcp=false"),
		w.Apply(at, providertest.Replace, moved, "cidr=10.2.0.0/24", "no_gateway=true"),
		providertest.Import(at),
		providertest.Adopt(at),
		providertest.After(func() {
			name := "drifted"
			if err := subnets.Update(t.Context(), c, w.ID(at), subnets.UpdateOpts{Name: &name}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, moved, "name=sub")),
		providertest.After(func() {
			if err := subnets.Delete(t.Context(), c, w.ID(at)).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, moved)),
		w.Apply(at, providertest.Replace, config(`cidr = "2001:db8:1::/64"`), "ip_version=6", "gateway_ip=2001:db8:1::1"),
	)
}

func TestAccSubnetRefused(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	config := func(body string) string { return w.As("demo", network+body) }
	subnet := func(name, body string) string {
		return "resource \"cloudlet_subnet\" \"" + name + "\" {\nname = \"sub\"\nnetwork_id = cloudlet_network.n.id\n" + body + "\n}\n"
	}
	there := subnet("a", `cidr = "10.1.0.0/16"`)
	w.Run(
		providertest.Refused(config(subnet("s", "cidr = \"10.1.0.0/24\"\ngateway_ip = \"10.7.0.1\"")), "gateway_ip", "10.7.0.1"),
		providertest.Refused(config(subnet("s", `cidr = "10.1.0.5/24"`)), "cidr", "write it that way"),
		providertest.Refused(config(there+subnet("b", `cidr = "10.1.2.0/24"`)), "cidr", "overlap"), // nothing is there yet
		w.Apply("cloudlet_subnet.a", providertest.Create, config(there)),
		providertest.Refused(config(there+subnet("b", `cidr = "10.1.2.0/24"`)), "cidr", "overlap"), // one is there, and stays
		providertest.Refused(config(there+subnet("b", `cidr = "10.3.0.0/24"`)+subnet("c", `cidr = "10.3.0.128/25"`)), "cidr", "overlap"),
	)
}

func TestAccSubnetDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	config := func(body string) string { return w.As("demo", "data \"cloudlet_subnet\" \"s\" {\n"+body+"\n}\n") }
	w.Run(
		providertest.Refused(config(`name = "nowhere"`), "", "has no subnet that is as configured"),
		providertest.Read("data.cloudlet_subnet.s", config(`name = "private-subnet"`), "id=*", "network_id=*", "ip_version=4", "allocation_pools.#=1"),
	)
}
