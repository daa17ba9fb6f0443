package provider_test

import (
	"fmt"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// TestAccReader: who may only read is told so when the plan is made, for each
// resource and before anything is created.
func TestAccReader(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	reader(t, w.Cloud.Client(t, "admin").Identity)
	config := fmt.Sprintf("provider \"cloudlet\" {\n  auth_url = %q\n  user_name = \"rita\"\n  project_name = \"demo\"\n  password = \"readonly-1\"\n}\n", w.AuthURL())
	file := providertest.QCOW2(t, 1)
	all := config + `
data "cloudlet_network" "private" {
  name = "private"
}
data "cloudlet_subnet" "private" {
  network_id = data.cloudlet_network.private.id
}
resource "cloudlet_network" "n" {
  name = "n"
}
resource "cloudlet_subnet" "s" {
  name       = "s"
  network_id = data.cloudlet_network.private.id
  cidr       = "10.77.0.0/24"
}
resource "cloudlet_port" "p" {
  network_id = data.cloudlet_network.private.id
}
resource "cloudlet_security_group" "g" {
  name = "g"
}
resource "cloudlet_image" "i" {
  name        = "i"
  source_file = "` + file + `"
}
resource "cloudlet_instance" "v" {
  name        = "v"
  image_id    = "3f0c5a52-0000-4000-8000-000000000001"
  flavor_name = "m1.tiny"
  networks    = [{ network_id = data.cloudlet_network.private.id }]
}
`
	var steps []resource.TestStep
	for _, address := range []string{"cloudlet_network.n", "cloudlet_subnet.s", "cloudlet_port.p", "cloudlet_security_group.g", "cloudlet_image.i", "cloudlet_instance.v"} {
		steps = append(steps, providertest.Refused(all, "", "The cloud would refuse this change with "+address))
	}
	w.Run(append(steps, providertest.Read("data.cloudlet_network.private", config+"data \"cloudlet_network\" \"private\" {\n  name = \"private\"\n}\n", "id=*"))...)
}

// reader makes the user rita, who may read in the project demo.
func reader(t *testing.T, s *gophercloud.ServiceClient) {
	t.Helper()
	user, err := users.Create(t.Context(), s, users.CreateOpts{Name: "rita", DomainID: "default", Password: "readonly-1"}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := projects.List(s, projects.ListOpts{Name: "demo"}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found, err := projects.ExtractProjects(pages)
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	pages, err = roles.List(s, roles.ListOpts{Name: "reader"}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	role, err := roles.ExtractRoles(pages)
	if err != nil || len(role) != 1 {
		t.Fatal(role, err)
	}
	if err := roles.Assign(t.Context(), s, role[0].ID, roles.AssignOpts{UserID: user.ID, ProjectID: found[0].ID}).ExtractErr(); err != nil {
		t.Fatal(err)
	}
}
