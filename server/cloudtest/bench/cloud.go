package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cloudlet/cloudlet/server/cloudtest/program"
)

// cloud is a cloudlet of the run's own.
type cloud struct {
	*program.Cloud
	dir string
}

// start runs cloudlet dev and returns when it has printed that it is ready.
func (b *bench) start(name string) (*cloud, error) { return b.run(name, "dev", "-driver", "sim") }

// startServer runs a server without hosts.
func (b *bench) startServer(name string) (*cloud, error) { return b.run(name, "server") }

func (b *bench) run(name string, args ...string) (*cloud, error) {
	dir := filepath.Join(b.dir, name)
	c, err := program.Start(b.ctx, b.program("cloudlet"), append(args, "-data-dir", dir)...)
	return &cloud{c, dir}, err
}

// call is Call; it returns the answer's ETag.
func (c *cloud) call(method, path string, in, out any, header ...string) (string, error) {
	h, err := c.Call(method, path, in, out, header...)
	return h.Get("ETag"), err
}

// resident is the resident memory of the process, in bytes.
func (c *cloud) resident() (int64, error) { return c.memory("VmRSS") }

// forgetPeak lets VmHWM begin anew (proc(5), clear_refs).
func (c *cloud) forgetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", c.PID), []byte("5"), 0)
}

// memory is a figure of the process in proc(5), status, in bytes.
func (c *cloud) memory(name string) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.PID))
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(b)
	if m == nil {
		return 0, errors.New("no " + name)
	}
	kib, err := strconv.ParseInt(string(m[1]), 10, 64)
	return kib << 10, err
}

// world is what servers are made from.
type world struct{ image, flavor, network string }

// prepare makes image, flavor, network and quota for n servers.
func (c *cloud) prepare() (world, error) {
	var w world
	var img struct{ ID string }
	if _, err := c.call("POST", "/image/v2/images", map[string]any{"name": "bench", "disk_format": "raw", "container_format": "bare"}, &img); err != nil {
		return w, err
	}
	if err := c.Upload(img.ID, strings.NewReader(strings.Repeat("x", 4096)), 4096); err != nil {
		return w, err
	}
	var f struct{ Flavor struct{ ID string } }
	if _, err := c.call("POST", "/compute/v2.1/flavors", map[string]any{"flavor": map[string]any{"name": "bench", "vcpus": 1, "ram": 64, "disk": 1}}, &f); err != nil {
		return w, err
	}
	var n struct{ Network struct{ ID string } }
	if _, err := c.call("POST", "/networking/v2.0/networks", map[string]any{"network": map[string]any{"name": "bench"}}, &n); err != nil {
		return w, err
	}
	if _, err := c.call("POST", "/networking/v2.0/subnets", map[string]any{"subnet": map[string]any{"network_id": n.Network.ID, "cidr": "10.9.0.0/16", "ip_version": 4}}, nil); err != nil {
		return w, err
	}
	unlimited := map[string]any{"instances": -1, "cores": -1, "ram": -1}
	if _, err := c.call("PUT", "/compute/v2.1/os-quota-sets/"+c.ProjectID, map[string]any{"quota_set": unlimited}, nil); err != nil {
		return w, err
	}
	_, err := c.call("PUT", "/networking/v2.0/quotas/"+c.ProjectID, map[string]any{"quota": map[string]any{"port": -1}}, nil)
	return world{img.ID, f.Flavor.ID, n.Network.ID}, err
}

// create makes a server and returns when it is ACTIVE, told by the wait extension.
func (c *cloud) create(w world, name string) error {
	_, err := c.createID(w, name)
	return err
}

func (c *cloud) createID(w world, name string) (string, error) {
	var s struct{ Server struct{ ID, Status string } }
	spec := map[string]any{"server": map[string]any{"name": name, "imageRef": w.image, "flavorRef": w.flavor, "networks": []any{map[string]any{"uuid": w.network}}}}
	if _, err := c.call("POST", "/compute/v2.1/servers", spec, &s); err != nil {
		return "", err
	}
	etag := ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		header := []string{}
		if etag != "" {
			header = []string{"If-None-Match", etag, "Prefer", "wait=20"}
		}
		var err error
		if etag, err = c.call("GET", "/compute/v2.1/servers/"+s.Server.ID, nil, &s, header...); err != nil {
			return "", err
		}
		switch s.Server.Status {
		case "ACTIVE":
			return s.Server.ID, nil
		case "ERROR":
			return "", errors.New("server " + name + " is in error")
		}
	}
	return "", errors.New("server " + name + " did not run within a minute")
}

// remove deletes a server and returns when it is gone.
func (c *cloud) remove(id string) error {
	if _, err := c.call("DELETE", "/compute/v2.1/servers/"+id, nil, nil); err != nil {
		return err
	}
	etag := ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		header := []string{}
		if etag != "" {
			header = []string{"If-None-Match", etag, "Prefer", "wait=20"}
		}
		var err error
		if etag, err = c.call("GET", "/compute/v2.1/servers/"+id, nil, nil, header...); err != nil {
			if strings.Contains(err.Error(), "404") {
				return nil
			}
			return err
		}
	}
	return errors.New("server " + id + " was not gone within a minute")
}
