package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// password is the one that the tests' clouds begin with; env must quote it.
const password = `it's "s3cret" $HOME pässword`

// api speaks to a cloud's APIs as one user.
type api struct {
	t      *testing.T
	http   *http.Client
	base   string
	token  string
	header http.Header // of the newest answer
}

func jsonOf(t *testing.T, v any) *bytes.Reader {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b)
}

type object = map[string]any

// login authenticates a user in the project of the same name; status is the
// answer's.
func login(t *testing.T, c *http.Client, base, user, password string) (a *api, status int) {
	t.Helper()
	domain := object{"id": "default"}
	body := object{"auth": object{
		"identity": object{"methods": []string{"password"}, "password": object{"user": object{"name": user, "domain": domain, "password": password}}},
		"scope":    object{"project": object{"name": user, "domain": domain}}}}
	resp, err := c.Post(base+"/identity/v3/auth/tokens", "application/json", jsonOf(t, body))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return &api{t: t, http: c, base: base, token: resp.Header.Get("X-Subject-Token")}, resp.StatusCode
}

// asAdmin logs the administrator in.
func asAdmin(t *testing.T, base string) *api {
	t.Helper()
	a, status := login(t, http.DefaultClient, base, "admin", password)
	if status != http.StatusCreated {
		t.Fatalf("login: status %d", status)
	}
	return a
}

// send sends a request; body may be nil, bytes that are sent as they are, or what
// becomes JSON.
func (a *api) send(method, path string, body any, headers ...string) (int, []byte) {
	a.t.Helper()
	var r io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case []byte:
		r, kind = bytes.NewReader(b), "application/octet-stream"
	default:
		r = jsonOf(a.t, b)
	}
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.base+path, r)
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", a.token)
	req.Header.Set("Content-Type", kind)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := a.http.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	a.header = resp.Header
	return resp.StatusCode, b
}

// do is send of what must succeed; it returns the answer's object.
func (a *api) do(method, path string, body any, headers ...string) object {
	a.t.Helper()
	status, b := a.send(method, path, body, headers...)
	if status < 200 || status > 299 {
		a.t.Fatalf("%s %s: status %d: %s", method, path, status, b)
	}
	var out object
	if len(b) > 0 && b[0] == '{' {
		if err := json.Unmarshal(b, &out); err != nil {
			a.t.Fatal(err)
		}
	}
	return out
}

// image uploads a raw image and returns its id.
func (a *api) image(name string, content []byte) string {
	a.t.Helper()
	i := a.do("POST", "/image/v2/images", object{"name": name, "disk_format": "raw", "container_format": "bare"})
	id := i["id"].(string)
	a.do("PUT", "/image/v2/images/"+id+"/file", content)
	return id
}

// tiny returns the id of the flavor m1.tiny.
func (a *api) tiny() string {
	a.t.Helper()
	for _, f := range a.do("GET", "/compute/v2.1/flavors", nil)["flavors"].([]any) {
		if f.(object)["name"] == "m1.tiny" {
			return f.(object)["id"].(string)
		}
	}
	a.t.Fatal("there is no m1.tiny")
	return ""
}

// instance creates a guest without networks, of m1.tiny, waits until it runs and
// returns its id.
func (a *api) instance(name, image string, more object) string {
	a.t.Helper()
	spec := object{"name": name, "imageRef": image, "flavorRef": a.tiny(), "networks": "none"}
	for k, v := range more {
		spec[k] = v
	}
	s := a.do("POST", "/compute/v2.1/servers", object{"server": spec}, "OpenStack-API-Version", "compute 2.37")
	id := s["server"].(object)["id"].(string)
	a.until("/compute/v2.1/servers/"+id, "server", func(o object) bool { return o["status"] == "ACTIVE" })
	return id
}

// tryInstance asks for a guest and returns its id once that is acknowledged. The
// error is of a connection that broke. It may be called by any goroutine.
func (a *api) tryInstance(flavor, image string) (string, error) {
	b, err := json.Marshal(object{"server": object{"name": "try", "imageRef": image, "flavorRef": flavor, "networks": "none"}})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(a.t.Context(), "POST", a.base+"/compute/v2.1/servers", bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	req.Header.Set("X-Auth-Token", a.token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("OpenStack-API-Version", "compute 2.37")
	resp, err := a.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		a.t.Errorf("create: status %d", resp.StatusCode)
		return "", fmt.Errorf("status %d", resp.StatusCode)
	}
	var o struct{ Server struct{ ID string } }
	if err := json.NewDecoder(resp.Body).Decode(&o); err != nil {
		return "", err
	}
	return o.Server.ID, nil
}

// until waits, without polling, until the resource is as it should be. kind is the
// member of the answer that it is in; "": it is the answer.
func (a *api) until(path, kind string, ok func(object) bool) object {
	a.t.Helper()
	etag := ""
	for {
		status, b := a.send("GET", path, nil, "If-None-Match", etag, "Prefer", "wait=20")
		if status == http.StatusNotModified {
			a.t.Fatalf("%s does not become what it should", path)
		}
		var o object
		if err := json.Unmarshal(b, &o); err != nil || status != http.StatusOK {
			a.t.Fatalf("%s: status %d: %s", path, status, b)
		}
		if kind != "" {
			o = o[kind].(object)
		}
		if ok(o) {
			return o
		}
		if o["status"] == "ERROR" {
			a.t.Fatalf("%s: %s", path, b)
		}
		etag = a.header.Get("Etag")
	}
}

// hosts returns the names of the hosts that are up.
func (a *api) hosts() (up []string) {
	a.t.Helper()
	for _, h := range a.do("GET", "/compute/v2.1/os-hypervisors/detail", nil)["hypervisors"].([]any) {
		if h := h.(object); h["state"] == "up" {
			up = append(up, fmt.Sprint(h["hypervisor_hostname"]))
		}
	}
	return up
}
