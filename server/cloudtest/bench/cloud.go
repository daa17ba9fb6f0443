package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cloud is a cloudlet dev of the run's own.
type cloud struct {
	cmd     *exec.Cmd
	url     string
	dir     string
	token   string
	project string
}

const password = "bench-password"

// start runs cloudlet dev and returns when it has printed that it is ready.
func (b *bench) start(name string) (*cloud, error) { return b.run(name, "dev", "-driver", "sim") }

// startServer runs a server without hosts.
func (b *bench) startServer(name string) (*cloud, error) { return b.run(name, "server") }

func (b *bench) run(name string, args ...string) (*cloud, error) {
	c := &cloud{dir: filepath.Join(b.dir, name)}
	c.cmd = exec.CommandContext(b.ctx, b.program("cloudlet"), append(args, "-data-dir", c.dir, "-listen", "127.0.0.1:0", "-log-level", "error")...)
	c.cmd.Env = append(os.Environ(), "CLOUDLET_ADMIN_PASSWORD="+password)
	c.cmd.Stderr = os.Stderr
	c.cmd.Cancel = func() error { return c.cmd.Process.Signal(syscall.SIGTERM) }
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	buf := make([]byte, 4096)
	n, err := out.Read(buf)
	if err != nil {
		return nil, errors.Join(err, c.cmd.Wait())
	}
	m := regexp.MustCompile(`http://\S+`).Find(buf[:n])
	if m == nil {
		return nil, fmt.Errorf("cloudlet dev said %q", buf[:n])
	}
	c.url = string(m)
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return c, nil
}

func (c *cloud) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	_ = c.cmd.Wait()
}

// login gets a token as user admin in project admin.
func (c *cloud) login() error {
	body := fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"admin","domain":{"id":"default"},"password":%q}}},
		"scope":{"project":{"name":"admin","domain":{"id":"default"}}}}}`, password)
	resp, err := http.Post(c.url+"/identity/v3/auth/tokens", "application/json", strings.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var t struct {
		Token struct{ Project struct{ ID string } }
	}
	if err := json.NewDecoder(resp.Body).Decode(&t); err != nil || resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("no token: %s, %w", resp.Status, err)
	}
	c.token, c.project = resp.Header.Get("X-Subject-Token"), t.Token.Project.ID
	return nil
}

// call sends one request and decodes the answer into out, if not nil. It returns
// the answer's ETag.
func (c *cloud) call(method, path string, in, out any, header ...string) (string, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return "", err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, c.url+path, body)
	if err != nil {
		return "", err
	}
	req.Header.Set("X-Auth-Token", c.token)
	req.Header.Set("X-Subject-Token", c.token)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode >= 400 {
		return "", fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, b)
	}
	if out != nil && resp.StatusCode != http.StatusNotModified {
		err = json.Unmarshal(b, out)
	}
	return resp.Header.Get("ETag"), err
}

// resident is the resident memory of the process, in bytes.
func (c *cloud) resident() (int64, error) { return c.memory("VmRSS") }

// forgetPeak lets VmHWM begin anew (proc(5), clear_refs).
func (c *cloud) forgetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", c.cmd.Process.Pid), []byte("5"), 0)
}

// memory is a figure of the process in proc(5), status, in bytes.
func (c *cloud) memory(name string) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
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
	req, err := http.NewRequest("PUT", c.url+"/image/v2/images/"+img.ID+"/file", strings.NewReader(strings.Repeat("x", 4096)))
	if err != nil {
		return w, err
	}
	req.Header.Set("X-Auth-Token", c.token)
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return w, err
	}
	resp.Body.Close()
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
	if _, err := c.call("PUT", "/compute/v2.1/os-quota-sets/"+c.project, map[string]any{"quota_set": unlimited}, nil); err != nil {
		return w, err
	}
	_, err = c.call("PUT", "/networking/v2.0/quotas/"+c.project, map[string]any{"quota": map[string]any{"port": -1}}, nil)
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
