package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"golang.org/x/crypto/ssh"

	"github.com/cloudlet/cloudlet/hypervisor/testbed"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// answer is the body of a GET.
type answer []byte

func (a answer) decode(into any) error { return json.Unmarshal(a, into) }

// await GETs until ok. The server holds each answer until it differs from the
// last, so that nothing is asked in vain.
func await(ctx context.Context, c *gophercloud.ServiceClient, url string, ok func(answer) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last answer
	etag := ""
	for {
		o := &gophercloud.RequestOpts{KeepResponseBody: true, OkCodes: []int{http.StatusOK, http.StatusNotModified}}
		if etag != "" {
			o.MoreHeaders = map[string]string{"If-None-Match": etag, "Prefer": "wait=30"}
		}
		resp, err := c.Get(ctx, url, nil, o)
		if err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("%w; last: %s", ctx.Err(), last)
			}
			return err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		if resp.StatusCode == http.StatusNotModified {
			continue
		}
		last, etag = body, resp.Header.Get("ETag")
		if done, err := ok(last); done || err != nil {
			return err
		}
	}
}

func missing(err error) bool { return gophercloud.ResponseCodeIs(err, http.StatusNotFound) }

// must ends the test on an error.
func must[T any](w *world) func(T, error) T {
	return func(v T, err error) T {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
		return v
	}
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// status waits until a server has it.
func (w *world) status(c cloudtest.Clients, id, want string) {
	w.t.Helper()
	err := await(w.ctx, c.Compute, c.Compute.ServiceURL("servers", id), func(a answer) (bool, error) {
		var body struct {
			Server struct {
				Name, Status string
				Fault        struct{ Message, Details string }
			}
		}
		if err := a.decode(&body); err != nil {
			return false, err
		}
		if s := body.Server; s.Status == "ERROR" && want != "ERROR" {
			return false, fmt.Errorf("%s is in error: %s %s", s.Name, s.Fault.Message, s.Fault.Details)
		}
		return body.Server.Status == want, nil
	})
	if err != nil {
		w.t.Fatalf("server %s is not %s: %v", id, want, err)
	}
}

// gone waits until a server is not there any more.
func (w *world) gone(c cloudtest.Clients, id string) {
	w.t.Helper()
	err := await(w.ctx, c.Compute, c.Compute.ServiceURL("servers", id), func(answer) (bool, error) { return false, nil })
	if !missing(err) {
		w.t.Fatalf("server %s is not gone: %v", id, err)
	}
}

// image makes the tiny guest's image, for all projects.
func (w *world) image() string {
	w.t.Helper()
	public := images.ImageVisibilityPublic
	img := must[*images.Image](w)(images.Create(w.ctx, w.admin.Image, images.CreateOpts{Name: "tiny", DiskFormat: "qcow2", ContainerFormat: "bare", Visibility: &public}).Extract())
	f := must[*os.File](w)(os.Open(testbed.Image(w.t)))
	defer f.Close()
	w.check(imagedata.Upload(w.ctx, w.admin.Image, img.ID, f).ExtractErr())
	return img.ID
}

// flavor makes the flavor of tiny guests.
func (w *world) flavor() string {
	w.t.Helper()
	disk := 1
	return must[*flavors.Flavor](w)(flavors.Create(w.ctx, w.admin.Compute, flavors.CreateOpts{Name: "tiny", RAM: 128, VCPUs: 1, Disk: &disk}).Extract()).ID
}

func (w *world) keypair(c cloudtest.Clients) {
	w.t.Helper()
	_, err := keypairs.Create(w.ctx, c.Compute, keypairs.CreateOpts{Name: "e2e", PublicKey: string(ssh.MarshalAuthorizedKey(w.signer.PublicKey()))}).Extract()
	w.check(err)
}

// subnet is a network with one subnet.
type subnet struct{ network, id string }

func (w *world) network(c cloudtest.Clients, name, cidr string) subnet {
	w.t.Helper()
	n := must[*networks.Network](w)(networks.Create(w.ctx, c.Network, networks.CreateOpts{Name: name}).Extract())
	s := must[*subnets.Subnet](w)(subnets.Create(w.ctx, c.Network, subnets.CreateOpts{NetworkID: n.ID, Name: name, CIDR: cidr, IPVersion: gophercloud.IPv4}).Extract())
	return subnet{n.ID, s.ID}
}

// public is the provider network that a new cloud has, with DHCP.
func (w *world) public() subnet {
	w.t.Helper()
	pages, err := networks.List(w.admin.Network, networks.ListOpts{Name: "public"}).AllPages(w.ctx)
	w.check(err)
	list := must[[]networks.Network](w)(networks.ExtractNetworks(pages))
	if len(list) != 1 || len(list[0].Subnets) != 1 {
		w.t.Fatalf("a new cloud has not one network public with one subnet: %+v", list)
	}
	on := true
	_, err = subnets.Update(w.ctx, w.admin.Network, list[0].Subnets[0], subnets.UpdateOpts{EnableDHCP: &on}).Extract()
	w.check(err)
	return subnet{list[0].ID, list[0].Subnets[0]}
}

// port makes a port; address "" is any.
func (w *world) port(c cloudtest.Clients, s subnet, address string, groups ...string) *ports.Port {
	w.t.Helper()
	return must[*ports.Port](w)(ports.Create(w.ctx, c.Network, ports.CreateOpts{NetworkID: s.network,
		FixedIPs: []ports.IP{{SubnetID: s.id, IPAddress: address}}, SecurityGroups: &groups}).Extract())
}

// group makes a security group; open are the ports that anybody may reach.
func (w *world) group(c cloudtest.Clients, name string, open ...int) string {
	w.t.Helper()
	g := must[*groups.SecGroup](w)(groups.Create(w.ctx, c.Network, groups.CreateOpts{Name: name}).Extract())
	for _, port := range open {
		w.rule(c, g.ID, port, "")
	}
	return g.ID
}

// rule opens a TCP port of a group's members to those of another, or to anybody.
func (w *world) rule(c cloudtest.Clients, group string, port int, from string) {
	w.t.Helper()
	_, err := rules.Create(w.ctx, c.Network, rules.CreateOpts{SecGroupID: group, Direction: rules.DirIngress, EtherType: rules.EtherType4,
		Protocol: rules.ProtocolTCP, PortRangeMin: port, PortRangeMax: port, RemoteGroupID: from}).Extract()
	w.check(err)
}

// server creates a server with the given ports.
func (w *world) create(c cloudtest.Clients, o servers.CreateOpts, hints servers.SchedulerHintOpts, on ...*ports.Port) string {
	w.t.Helper()
	var nics []servers.Network
	for _, p := range on {
		nics = append(nics, servers.Network{Port: p.ID})
	}
	o.Networks = nics
	return must[*servers.Server](w)(servers.Create(w.ctx, c.Compute, keypairs.CreateOptsExt{CreateOptsBuilder: o, KeyName: "e2e"}, hints).Extract()).ID
}

func (w *world) show(id string) *servers.Server {
	w.t.Helper()
	return must[*servers.Server](w)(servers.Get(w.ctx, w.admin.Compute, id).Extract())
}
