package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
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

// try sends a request and returns the answer's object if the status is the one
// wanted. The error is of a connection that broke. It may be called by any goroutine.
func (a *api) try(method, path string, body any, want int) (object, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.base+path, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Auth-Token", a.token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("OpenStack-API-Version", "compute 2.37")
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != want {
		err := fmt.Errorf("%s %s: status %d: %s", method, path, resp.StatusCode, text)
		a.t.Error(err)
		return nil, err
	}
	var o object
	if len(text) > 0 {
		err = json.Unmarshal(text, &o)
	}
	return o, err
}

// tryCreate asks for an instance and returns its id once that is acknowledged.
func (a *api) tryCreate(flavor, image string) (string, error) {
	o, err := a.try("POST", "/compute/v2.1/servers", object{"server": object{"name": "try", "imageRef": image, "flavorRef": flavor, "networks": "none"}}, http.StatusAccepted)
	if err != nil {
		return "", err
	}
	return o["server"].(object)["id"].(string), nil
}

// tryDelete deletes an instance and returns once that is acknowledged.
func (a *api) tryDelete(id string) error {
	_, err := a.try("DELETE", "/compute/v2.1/servers/"+id, nil, http.StatusNoContent)
	return err
}

// instances returns the ids of all, over as many pages as there are.
func (a *api) instances() (ids []string) {
	a.t.Helper()
	for path := "/compute/v2.1/servers"; path != ""; {
		page := a.do("GET", path, nil)
		path = ""
		for _, s := range page["servers"].([]any) {
			ids = append(ids, s.(object)["id"].(string))
		}
		if links, more := page["servers_links"].([]any); more {
			path = strings.TrimPrefix(links[0].(object)["href"].(string), a.base)
		}
	}
	return ids
}

// untilGone waits, without polling, until there is no such resource.
func (a *api) untilGone(path string) {
	a.t.Helper()
	if o := a.await(path, func(object) bool { return false }); o != nil {
		a.t.Errorf("%s does not go", path)
	}
}

// await waits, without polling, until the resource is as it should be, and returns
// it, or until it is gone, and returns nil.
func (a *api) await(path string, ok func(object) bool) object {
	a.t.Helper()
	etag := ""
	for {
		status, b := a.send("GET", path, nil, "If-None-Match", etag, "Prefer", "wait=20")
		if status == http.StatusNotFound {
			return nil
		}
		var o object
		if err := json.Unmarshal(b, &o); err != nil || status != http.StatusOK {
			a.t.Fatalf("%s does not become what it should: status %d: %s", path, status, b)
		}
		if ok(o) {
			return o
		}
		etag = a.header.Get("Etag")
	}
}

// until waits, without polling, until the resource is as it should be. kind is the
// member of the answer that it is in; "": it is the answer.
func (a *api) until(path, kind string, ok func(object) bool) object {
	a.t.Helper()
	part := func(o object) object {
		if kind != "" {
			return o[kind].(object)
		}
		return o
	}
	o := a.await(path, func(o object) bool { return ok(part(o)) || part(o)["status"] == "ERROR" })
	if o == nil || !ok(part(o)) {
		a.t.Fatalf("%s: %v", path, o)
	}
	return part(o)
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
