package cloudtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/cloudlet/cloudlet/server/cloudtest"
)

const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGVOiDFkjGBXaGEo8mYmXEbDFDlUbFGGTHHl2d2hrJ5V test"

// ensured is what a script has seen acknowledged: the ids of what it made, by kind.
type ensured struct {
	image, network, subnet, port string
	servers                      []string
}

// ensure makes what is missing of a small deployment, as a second "terraform
// apply" would, and waits until its servers run. It stops at the first error and
// returns what had been acknowledged by then.
func ensure(ctx context.Context, c cloudtest.Clients, servers int) (e ensured, err error) {
	if e.image, err = ensureImage(ctx, c); err != nil {
		return e, fmt.Errorf("image: %w", err)
	}
	if _, err := keypairs.Get(ctx, c.Compute, "script", nil).Extract(); missing(err) {
		if _, err := keypairs.Create(ctx, c.Compute, keypairs.CreateOpts{Name: "script", PublicKey: publicKey}).Extract(); err != nil {
			return e, fmt.Errorf("keypair: %w", err)
		}
	} else if err != nil {
		return e, fmt.Errorf("keypair: %w", err)
	}
	if err := ensureNetwork(ctx, c, &e); err != nil {
		return e, err
	}
	for n := range servers {
		id, err := ensureServer(ctx, c, e, fmt.Sprintf("script-%d", n+1), n == 0)
		if id != "" {
			e.servers = append(e.servers, id)
		}
		if err != nil {
			return e, fmt.Errorf("server %d: %w", n+1, err)
		}
	}
	return e, nil
}

func missing(err error) bool { return gophercloud.ResponseCodeIs(err, http.StatusNotFound) }

func ensureImage(ctx context.Context, c cloudtest.Clients) (string, error) {
	pages, err := images.List(c.Image, images.ListOpts{Name: "script"}).AllPages(ctx)
	if err != nil {
		return "", err
	}
	list, err := images.ExtractImages(pages)
	if err != nil {
		return "", err
	}
	var img *images.Image
	if len(list) > 0 {
		img = &list[0]
	} else if img, err = images.Create(ctx, c.Image, images.CreateOpts{Name: "script", DiskFormat: "raw", ContainerFormat: "bare"}).Extract(); err != nil {
		return "", err
	}
	if img.Status == images.ImageStatusActive {
		return img.ID, nil
	}
	return img.ID, imagedata.Upload(ctx, c.Image, img.ID, strings.NewReader(strings.Repeat("disk", 1024))).ExtractErr()
}

func ensureNetwork(ctx context.Context, c cloudtest.Clients, e *ensured) error {
	pages, err := networks.List(c.Network, networks.ListOpts{Name: "script"}).AllPages(ctx)
	if err != nil {
		return err
	}
	nets, err := networks.ExtractNetworks(pages)
	if err != nil {
		return err
	}
	if len(nets) == 0 {
		n, err := networks.Create(ctx, c.Network, networks.CreateOpts{Name: "script"}).Extract()
		if err != nil {
			return fmt.Errorf("network: %w", err)
		}
		nets = append(nets, *n)
	}
	e.network = nets[0].ID
	if len(nets[0].Subnets) > 0 {
		e.subnet = nets[0].Subnets[0]
	} else {
		s, err := subnets.Create(ctx, c.Network, subnets.CreateOpts{NetworkID: e.network, Name: "script", CIDR: "10.7.0.0/24", IPVersion: gophercloud.IPv4}).Extract()
		if err != nil {
			return fmt.Errorf("subnet: %w", err)
		}
		e.subnet = s.ID
	}
	pages, err = ports.List(c.Network, ports.ListOpts{Name: "script"}).AllPages(ctx)
	if err != nil {
		return err
	}
	have, err := ports.ExtractPorts(pages)
	if err != nil {
		return err
	}
	if len(have) > 0 {
		e.port = have[0].ID
		return nil
	}
	p, err := ports.Create(ctx, c.Network, ports.CreateOpts{NetworkID: e.network, Name: "script"}).Extract()
	if err != nil {
		return fmt.Errorf("port: %w", err)
	}
	e.port = p.ID
	return nil
}

func serversNamed(ctx context.Context, c cloudtest.Clients, name string) ([]servers.Server, error) {
	pages, err := servers.List(c.Compute, servers.ListOpts{Name: "^" + name + "$"}).AllPages(ctx)
	if err != nil {
		return nil, err
	}
	return servers.ExtractServers(pages)
}

func ensureServer(ctx context.Context, c cloudtest.Clients, e ensured, name string, ownPort bool) (string, error) {
	list, err := serversNamed(ctx, c, name)
	if err != nil {
		return "", err
	}
	if len(list) == 0 {
		nic := servers.Network{UUID: e.network}
		if ownPort {
			nic = servers.Network{Port: e.port}
		}
		s, err := servers.Create(ctx, c.Compute, keypairs.CreateOptsExt{KeyName: "script", CreateOptsBuilder: servers.CreateOpts{Name: name, ImageRef: e.image, FlavorRef: "1",
			Networks: []servers.Network{nic}}}, nil).Extract()
		if err != nil {
			return "", err
		}
		list = append(list, *s)
	}
	return list[0].ID, waitFor(ctx, c, list[0].ID, "ACTIVE")
}

// waitFor waits, by the API's own extension, until a server has the status or is in error.
func waitFor(ctx context.Context, c cloudtest.Clients, id, status string) error {
	etag := ""
	for {
		var body struct {
			Server struct {
				Status string
				Fault  struct{ Message string }
			}
		}
		headers := map[string]string{}
		if etag != "" {
			headers["If-None-Match"], headers["Prefer"] = etag, "wait=20"
		}
		resp, err := c.Compute.Get(ctx, c.Compute.ServiceURL("servers", id), &body, &gophercloud.RequestOpts{MoreHeaders: headers, OkCodes: []int{200, 304}})
		if err != nil {
			return err
		}
		switch {
		case resp.StatusCode == http.StatusNotModified:
			return errors.New("the server did not change for 20 s")
		case body.Server.Status == status:
			return nil
		case body.Server.Status == "ERROR":
			return errors.New("the server is in error: " + body.Server.Fault.Message)
		}
		etag = resp.Header.Get("ETag")
	}
}

// destroy deletes all that ensure makes and waits until the servers are gone.
func destroy(ctx context.Context, c cloudtest.Clients) error {
	list, err := serversNamed(ctx, c, "script-.*")
	if err != nil {
		return err
	}
	for _, s := range list {
		if err := servers.Delete(ctx, c.Compute, s.ID).ExtractErr(); err != nil && !missing(err) {
			return err
		}
		if err := waitFor(ctx, c, s.ID, "DELETED"); err != nil && !missing(err) {
			return err
		}
	}
	pages, err := networks.List(c.Network, networks.ListOpts{Name: "script"}).AllPages(ctx)
	if err != nil {
		return err
	}
	nets, err := networks.ExtractNetworks(pages)
	if err != nil || len(nets) == 0 {
		return err
	}
	pages, err = ports.List(c.Network, ports.ListOpts{NetworkID: nets[0].ID}).AllPages(ctx)
	if err != nil {
		return err
	}
	have, err := ports.ExtractPorts(pages)
	if err != nil {
		return err
	}
	for _, p := range have {
		if err := ports.Delete(ctx, c.Network, p.ID).ExtractErr(); err != nil && !missing(err) {
			return err
		}
	}
	return networks.Delete(ctx, c.Network, nets[0].ID).ExtractErr()
}

func withTimeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
