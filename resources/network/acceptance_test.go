package network_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

func TestAccNetwork(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_network.n"
	config := func(body string) string {
		return w.As("demo", "resource \"cloudlet_network\" \"n\" {\n"+body+"\n}\n")
	}
	changed := config("name = \"other\"\ndescription = \"for people\"\nmtu = 1400\nadmin_state_up = false\nport_security_enabled = false")
	c := w.Client("demo").Network
	w.Run(
		providertest.Refused(config("name = \"out\"\nexternal = true"), "", "The cloud would refuse this change"),
		providertest.Refused(config("name = \"net\"\nmtu = 5"), "mtu", "must be between 68 and 9216"),
		w.Apply(at, providertest.Create, config(`name = "net"`), "name=net", "mtu=1450", "description=", "admin_state_up=true", "port_security_enabled=true", "external=false", "project_id=*"),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Update, changed, "name=other", "description=for people", "mtu=1400", "admin_state_up=false", "port_security_enabled=false"),
		providertest.After(func() {
			name := "drifted"
			if err := networks.Update(t.Context(), c, w.ID(at), networks.UpdateOpts{Name: &name}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, changed, "name=other")),
		providertest.After(func() {
			if err := networks.Delete(t.Context(), c, w.ID(at)).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, changed, "name=other")),
	)
}

func TestAccNetworkOfAProvider(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_network.n"
	config := func(body string) string {
		return w.As("admin", "resource \"cloudlet_network\" \"n\" {\nname = \"net\"\n"+body+"\n}\n")
	}
	w.Run(
		providertest.Refused(config("network_type = \"flat\"\nphysical_network = \"nowhere\""), "physical_network", "nowhere"),
		w.Apply(at, providertest.Create, config("segmentation_id = 4711\nshared = true"), "segmentation_id=4711", "network_type=vxlan", "shared=true"),
		w.Apply(at, providertest.Replace, config("segmentation_id = 4712"), "segmentation_id=4712", "shared=false"),
		providertest.Import(at),
		providertest.Adopt(at),
	)
}

func TestAccNetworkDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	config := func(body string) string { return w.As("demo", "data \"cloudlet_network\" \"n\" {\n"+body+"\n}\n") }
	w.Run(
		providertest.Refused(config(`name = "nowhere"`), "", "has no network that is as configured"),
		providertest.Refused(config(``), "", "At least one of these attributes must be configured"),
		providertest.Read("data.cloudlet_network.n", config(`name = "private"`), "id=*", "external=false", "mtu=1450"),
		providertest.Read("data.cloudlet_network.n", config(`external = true`), "name=public", "external=true"),
	)
}
