package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// cloud is a cloudlet dev of the run's own.
type cloud struct {
	cmd   *exec.Cmd
	url   string
	token string
}

const password = "conformance-password"

// settings switch on what Tempest has tests for.
var settings = []string{
	"-lockout-failure-attempts", "3", "-lockout-duration", "5", "-unique-last-password-count", "3",
	"-fetch-allow", "127.0.0.0/8", "-image-locations",
}

// start runs cloudlet dev with its state below dir and returns when it is ready.
func start(ctx context.Context, program, dir string) (*cloud, error) {
	args := []string{"dev", "-driver", "sim", "-data-dir", filepath.Join(dir, "state"), "-listen", "127.0.0.1:0", "-log-level", "error",
		"-image-store", "second:" + filepath.Join(dir, "second")}
	c := &cloud{cmd: exec.CommandContext(ctx, program, append(args, settings...)...)}
	c.cmd.Env = append(os.Environ(), "CLOUDLET_ADMIN_PASSWORD="+password)
	c.cmd.Stderr = os.Stderr
	c.cmd.Cancel = func() error { return c.cmd.Process.Signal(syscall.SIGTERM) }
	c.cmd.WaitDelay = 20 * time.Second
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
	c.url = string(regexp.MustCompile(`http://\S+`).Find(buf[:n]))
	if c.url == "" {
		c.stop()
		return nil, fmt.Errorf("cloudlet dev said %q", buf[:n])
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if err := c.login(); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func (c *cloud) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	_ = c.cmd.Wait()
}

// login gets a token as user admin in project admin.
func (c *cloud) login() error {
	h, err := c.call("POST", "/identity/v3/auth/tokens", "application/json", fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],
		"password":{"user":{"name":"admin","domain":{"id":"default"},"password":%q}}},
		"scope":{"project":{"name":"admin","domain":{"id":"default"}}}}}`, password), nil)
	if err == nil {
		c.token = h.Get("X-Subject-Token")
	}
	return err
}

// image makes a public raw image of a few bytes and returns its id.
func (c *cloud) image(name string) (string, error) {
	var img struct{ ID string }
	spec := fmt.Sprintf(`{"name":%q,"disk_format":"raw","container_format":"bare","visibility":"public"}`, name)
	if _, err := c.call("POST", "/image/v2/images", "application/json", spec, &img); err != nil {
		return "", err
	}
	_, err := c.call("PUT", "/image/v2/images/"+img.ID+"/file", "application/octet-stream", strings.Repeat("x", 4096), nil)
	return img.ID, err
}

func (c *cloud) call(method, path, media, body string, out any) (http.Header, error) {
	req, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", media)
	req.Header.Set("X-Auth-Token", c.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 400 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, b)
	}
	if err == nil && out != nil {
		err = json.Unmarshal(b, out)
	}
	return resp.Header, err
}
