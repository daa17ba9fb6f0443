package cloudtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

// AuthURL is where the identity API is.
func (c *Cloud) AuthURL() string { return c.URL + "/identity/v3" }

// Clients speak to the cloud as one user in one project.
type Clients struct {
	Provider                          *gophercloud.ProviderClient
	Identity, Image, Compute, Network *gophercloud.ServiceClient
}

// Client returns clients of the user in the project of the same name: admin or demo.
func (c *Cloud) Client(t testing.TB, user string) Clients {
	t.Helper()
	cl, err := c.Connect(context.Background(), user)
	if err != nil {
		t.Fatalf("cloudtest: user %s: %v", user, err)
	}
	return cl
}

// Connect is Client for a program that is no test.
func (c *Cloud) Connect(ctx context.Context, user string) (Clients, error) {
	return Connect(ctx, c.AuthURL(), user, Password)
}

// Connect returns clients of a user of any cloud, in the project of the same name.
func Connect(ctx context.Context, authURL, user, password string) (Clients, error) {
	p, err := openstack.AuthenticatedClient(ctx, gophercloud.AuthOptions{IdentityEndpoint: authURL, Username: user, Password: password,
		DomainID: "default", TenantName: user, AllowReauth: true})
	if err != nil {
		return Clients{}, err
	}
	cl := Clients{Provider: p}
	at := gophercloud.EndpointOpts{Region: "RegionOne"}
	for _, s := range []struct {
		to  **gophercloud.ServiceClient
		new func(*gophercloud.ProviderClient, gophercloud.EndpointOpts) (*gophercloud.ServiceClient, error)
	}{{&cl.Identity, openstack.NewIdentityV3}, {&cl.Image, openstack.NewImageV2}, {&cl.Compute, openstack.NewComputeV2}, {&cl.Network, openstack.NewNetworkV2}} {
		if *s.to, err = s.new(p, at); err != nil {
			return Clients{}, err
		}
	}
	cl.Compute.Microversion = "2.90"
	return cl, nil
}

// ProviderConfig is the provider block of a Terraform configuration that works as
// the user in the project of the same name.
func (c *Cloud) ProviderConfig(user string) string {
	return fmt.Sprintf("provider \"cloudlet\" {\n  auth_url          = %q\n  user_name         = %q\n  password          = %q\n  project_name      = %q\n"+
		"  user_domain_id    = \"default\"\n  project_domain_id = \"default\"\n  region            = \"RegionOne\"\n}\n", c.AuthURL(), user, Password, user)
}

// CloudsFile writes a clouds.yaml with the clouds admin and demo, and returns its path.
func (c *Cloud) CloudsFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clouds.yaml")
	text := "clouds:\n"
	for _, user := range []string{"admin", "demo"} {
		text += fmt.Sprintf("  %s:\n    auth: {auth_url: %q, username: %s, password: %q, project_name: %s, user_domain_name: Default, project_domain_name: Default}\n"+
			"    region_name: RegionOne\n    identity_api_version: 3\n", user, c.AuthURL(), user, Password, user)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// patience is how long Eventually waits for a state that must come.
const patience = 30 * time.Second

// Eventually waits until ok is true of the state, which it looks at again whenever
// something that it read has changed.
func (c *Cloud) Eventually(t testing.TB, what string, ok func(r statestore.Reader) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		snap, watch := c.Store().Watch()
		if ok(snap) {
			return
		}
		if err := watch.Wait(ctx); err != nil {
			t.Fatalf("cloudtest: %s did not come: %v", what, err)
		}
	}
}

// Leaks names guests and ports on hosts that no row accounts for, and claims that
// no instance does.
func (c *Cloud) Leaks(r statestore.Reader) []string {
	var leaks []string
	for _, h := range c.Hosts {
		guests, err := h.Driver.List(context.Background())
		if err != nil {
			leaks = append(leaks, err.Error())
		}
		for _, g := range guests {
			if _, ok := compute.Instances.Get(r, g.ID); !ok {
				leaks = append(leaks, fmt.Sprintf("guest %s on %s", g.ID, h.Name))
			}
		}
		networks, err := h.Switch.List(context.Background())
		if err != nil {
			leaks = append(leaks, err.Error())
		}
		for _, n := range networks {
			for _, p := range n.Ports {
				if port, ok := network.Ports.Get(r, p.ID); !ok || port.HostID == "" {
					leaks = append(leaks, fmt.Sprintf("port %s on %s", p.ID, h.Name))
				}
			}
			if _, ok := network.Networks.Get(r, n.ID); !ok {
				leaks = append(leaks, fmt.Sprintf("network %s on %s", n.ID, h.Name))
			}
		}
	}
	return append(leaks, claims(r)...)
}

// claims names hosts whose claims are not the sum of their instances'.
func claims(r statestore.Reader) []string {
	var wrong []string
	for h := range compute.Hosts.All(r) {
		vcpus, memory, disk := 0, 0, 0
		for _, i := range compute.InstancesOfHost(r, h.ID) {
			claim := i.Claim()
			vcpus, memory, disk = vcpus+claim.VCPUs, memory+claim.MemoryMiB, disk+claim.DiskGiB
		}
		if h.Used.VCPUs != vcpus || h.Used.MemoryMiB != memory || h.Used.DiskGiB != disk {
			wrong = append(wrong, fmt.Sprintf("host %s claims %+v, its instances %d vCPUs, %d MiB, %d GiB", h.Name, h.Used, vcpus, memory, disk))
		}
	}
	return wrong
}

// checkLeaks waits until nothing leaks, and fails the test if that does not come.
func (c *Cloud) checkLeaks(t testing.TB) {
	t.Helper()
	deadline := time.After(patience)
	for {
		leaks := c.Leaks(c.Store().Snapshot())
		if len(leaks) == 0 {
			return
		}
		select {
		case <-deadline:
			t.Errorf("cloudtest: left behind: %v", leaks)
			return
		case <-time.After(20 * time.Millisecond): // hosts are not state: there is nothing to wait on
		}
	}
}

// Running reports whether a host runs the guest.
func (h *Host) Running(id string) bool {
	guests, _ := h.Driver.List(context.Background())
	for _, g := range guests {
		if g.ID == id {
			return g.Power == hypervisor.Running
		}
	}
	return false
}
