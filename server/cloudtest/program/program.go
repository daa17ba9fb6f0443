package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"time"
)

// Password is that of the users admin and demo.
const Password = "a-password-for-trials"

// Cloud is a process of cloudlet that serves the APIs.
type Cloud struct {
	URL              string // of the APIs
	PID              int
	Token, ProjectID string // of Login
	cmd              *exec.Cmd
}

// Start runs cloudlet, the program at a path, with args (dev or server and its flags),
// and returns when it has printed that it is ready. Its errors go to standard error.
func Start(ctx context.Context, path string, args ...string) (*Cloud, error) {
	cmd := exec.CommandContext(ctx, path, append(args, "-listen", "127.0.0.1:0", "-log-level", "error")...)
	cmd.Env = append(os.Environ(), "CLOUDLET_ADMIN_PASSWORD="+Password)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &Cloud{PID: cmd.Process.Pid, cmd: cmd}
	said := make([]byte, 4096)
	n, err := out.Read(said)
	if err != nil {
		return nil, errors.Join(err, cmd.Wait())
	}
	if c.URL = string(regexp.MustCompile(`http://\S+`).Find(said[:n])); c.URL == "" {
		c.Stop()
		return nil, fmt.Errorf("%s said %q", path, said[:n])
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return c, nil
}

// Stop ends the process and waits for it.
func (c *Cloud) Stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	_ = c.cmd.Wait()
}

// Login gets a token as user admin in project admin.
func (c *Cloud) Login() error {
	named := func(name string, more map[string]any) map[string]any {
		more["name"], more["domain"] = name, map[string]string{"id": "default"}
		return more
	}
	var t struct {
		Token struct{ Project struct{ ID string } }
	}
	h, err := c.Call("POST", "/identity/v3/auth/tokens", map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": named("admin", map[string]any{"password": Password})}},
		"scope":    map[string]any{"project": named("admin", map[string]any{})}}}, &t)
	if err == nil {
		c.Token, c.ProjectID = h.Get("X-Subject-Token"), t.Token.Project.ID
	}
	return err
}

// Call sends in as JSON, if it is not nil, and decodes the answer into out, if that is
// not nil and the answer has changed (304). header are names and values.
func (c *Cloud) Call(method, path string, in, out any, header ...string) (http.Header, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, c.URL+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if out == nil || resp.StatusCode == http.StatusNotModified {
		_, err = io.Copy(io.Discard, resp.Body)
		return resp.Header, err
	}
	return resp.Header, json.NewDecoder(resp.Body).Decode(out)
}

// Do sends a request with the token. An answer of 400 or more is an error that tells
// it; the caller closes the body of any other.
func (c *Cloud) Do(req *http.Request) (*http.Response, error) {
	req.Header.Set("X-Auth-Token", c.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 400 {
		defer resp.Body.Close()
		told, _ := io.ReadAll(resp.Body)
		return nil, fmt.Errorf("%s %s: %s: %s", req.Method, req.URL.Path, resp.Status, bytes.TrimSpace(told))
	}
	return resp, nil
}

// Upload sends an image's bytes; size is how many.
func (c *Cloud) Upload(imageID string, data io.Reader, size int64) error {
	req, err := http.NewRequest("PUT", c.URL+"/image/v2/images/"+imageID+"/file", data)
	if err != nil {
		return err
	}
	req.ContentLength = size
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := c.Do(req)
	if err == nil {
		err = resp.Body.Close()
	}
	return err
}
