package provider_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// TestAccRestarts: an apply goes on over restarts of the cloud, and makes nothing
// twice.
func TestAccRestarts(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1, CheckLeaks: true})
	config := w.As("demo", `
resource "cloudlet_image" "i" {
  name        = "img"
  source_file = "`+providertest.QCOW2(t, 1)+`"
}
resource "cloudlet_network" "n" {
  name = "restarts"
}
resource "cloudlet_subnet" "s" {
  name       = "sub"
  network_id = cloudlet_network.n.id
  cidr       = "10.1.0.0/24"
}
resource "cloudlet_port" "p" {
  count      = 8
  network_id = cloudlet_subnet.s.network_id
}
resource "cloudlet_instance" "i" {
  count     = 8
  name      = "i${count.index}"
  image_id  = cloudlet_image.i.id
  flavor_id = "1"
  networks  = [{ port_id = cloudlet_port.p[count.index].id }]
}
`)
	var restarts sync.WaitGroup
	step := resource.TestStep{Config: config,
		PreConfig: func() {
			c := w.Client("demo")
			restarts.Go(func() {
				for n := 1; n < 8; n += 2 { // each time some more of them are there
					err := c.Wait(t.Context(), c.Compute, c.Compute.ServiceURL("servers"), func(body []byte) (bool, error) {
						all, err := client.Into[[]any](body, "servers")
						return len(all) >= n, err
					})
					for err == nil {
						if err = w.Restart(); err == nil || !strings.Contains(err.Error(), "address already in use") {
							break // else a client of this process has the port for its own end
						}
						err = nil
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		},
		Check: func(*terraform.State) error { restarts.Wait(); return nil },
	}
	w.Run(step, resource.TestStep{Config: config, PlanOnly: true, PreConfig: func() {
		c := w.Client("demo")
		pages, err := servers.List(c.Compute, nil).AllPages(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		made, err := servers.ExtractServers(pages)
		if err != nil || len(made) != 8 {
			t.Errorf("%d instances, %v", len(made), err)
		}
		pages, err = networks.List(c.Network, networks.ListOpts{Name: "restarts"}).AllPages(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if all, err := networks.ExtractNetworks(pages); err != nil || len(all) != 1 {
			t.Errorf("%d networks, %v", len(all), err)
		}
	}})
}
