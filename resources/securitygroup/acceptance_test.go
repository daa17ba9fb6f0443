package securitygroup_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

func TestAccSecurityGroup(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_security_group.g"
	config := func(body string) string {
		return w.As("demo", "resource \"cloudlet_security_group\" \"g\" {\n"+body+"\n}\n")
	}
	web := config(`
name  = "web"
rules = [
  { direction = "ingress", protocol = "tcp", port_min = 22 },
  { direction = "ingress", protocol = "tcp", port_min = 8000, port_max = 8100, remote_cidr = "10.0.0.0/8" },
  { direction = "ingress", protocol = "icmp" },
  { direction = "ingress", remote_self = true },
]
`)
	changed := config(`
name           = "other"
description    = "for people"
default_egress = false
rules = [
  { direction = "ingress", protocol = "tcp", port_min = 22, description = "ssh" },
  { direction = "egress", ethertype = "IPv6" },
]
`)
	c := w.Client("demo").Network
	w.Run(
		providertest.Refused(config("name = \"x\"\nrules = [{ direction = \"ingress\", protocol = \"gopher\" }]"), "rules", "gopher"),
		providertest.Refused(config("name = \"x\"\nrules = [{ direction = \"ingress\", protocol = \"tcp\", port_min = 9, port_max = 8 }]"), "rules", "port_max"),
		w.Apply(at, providertest.Create, web, "name=web", "rules.#=4", "default_egress=true", "description="),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Update, changed, "name=other", "rules.#=2", "default_egress=false"),
		providertest.After(func() { // a rule added and one removed
			w := rules.CreateOpts{SecGroupID: w.ID(at), Direction: rules.DirIngress, EtherType: rules.EtherType4, Protocol: rules.ProtocolUDP, PortRangeMin: 53, PortRangeMax: 53}
			if err := rules.Create(t.Context(), c, w).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, changed, "rules.#=2")),
		providertest.After(func() {
			if err := groups.Delete(t.Context(), c, w.ID(at)).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, changed, "rules.#=2")),
		w.Apply(at, providertest.Update, config(`name = "other"`), "rules.#=0", "default_egress=true"),
		providertest.Import(at),
		providertest.Adopt(at),
	)
}

func TestAccSecurityGroupDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: -1})
	const at = "data.cloudlet_security_group.g"
	made := `
resource "cloudlet_security_group" "g" {
  name           = "web"
  default_egress = false
  rules          = [{ direction = "ingress", protocol = "tcp", port_min = 80, remote_cidr = "10.0.0.0/8" }]
}
`
	source := func(body string) string {
		return w.As("demo", made+"data \"cloudlet_security_group\" \"g\" {\n"+body+"\n}\n")
	}
	w.Run(
		providertest.Refused(source(``), "", "At least one of these attributes must be configured"),
		providertest.Refused(source(`name = "none"`), "", "has no security group that is as configured"),
		providertest.Read(at, source(`name = "default"`), "default_egress=true", "rules.#=2", "project_id="+w.Client("demo").Scope.ProjectID),
		providertest.Read(at, source(`id = cloudlet_security_group.g.id`), "name=web", "default_egress=false", "rules.#=1", "rules.0.protocol=tcp", "rules.0.port_min=80", "rules.0.remote_cidr=10.0.0.0/8"),
	)
}
