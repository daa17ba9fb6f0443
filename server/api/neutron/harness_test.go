package neutron_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/api/front/policy"
	"github.com/cloudlet/cloudlet/server/api/neutron"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

// Tokens say user, project and roles.
const (
	ann    = "ann:p1:member,reader"
	rita   = "rita:p1:reader"
	bob    = "bob:p2:member,reader"
	admin  = "root:p0:admin,manager,member,reader"
	system = "sys::reader"
)

type roleAuth struct{}

func (roleAuth) Authenticate(_ statestore.Reader, token string) (cloud.Caller, error) {
	f := strings.Split(token, ":")
	if len(f) != 3 {
		return cloud.Caller{}, cloud.Errorf(cloud.Unauthenticated, "", "The request you have made requires authentication.")
	}
	return cloud.Caller{UserID: f[0], ProjectID: f[1], System: f[1] == "", Roles: strings.Split(f[2], ",")}, nil
}

// cloudOf is a server of this dialect alone, over a store of its own.
type cloudOf struct {
	t       testing.TB
	url     string
	store   *statestore.Store
	handler http.Handler
}

func start(t testing.TB) *cloudOf {
	t.Helper()
	rules, err := policy.Load("")
	if err != nil {
		t.Fatal(err)
	}
	c := &cloudOf{t: t, store: storetest.NewStore(t, network.Tables)}
	c.write(func(tx *statestore.Txn) error { network.PhysicalNetworkAdd(tx, "physnet1"); return nil })
	f := front.New(front.Options{Store: c.store, Auth: roleAuth{}, Policy: rules, Services: []*front.Service{neutron.Service(neutron.Deps{})},
		StandIns: []func(*statestore.Txn){network.StandIns}, Clock: cloud.RealClock{}, Log: slog.New(slog.DiscardHandler), Version: "test"})
	c.handler = f
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	c.url = srv.URL + "/networking"
	return c
}

func (c *cloudOf) write(fn func(tx *statestore.Txn) error) {
	c.t.Helper()
	if err := c.store.Write(c.t.Context(), fn); err != nil {
		c.t.Fatal(err)
	}
}

// client is gophercloud's for a token.
func (c *cloudOf) client(token string) *gophercloud.ServiceClient {
	return &gophercloud.ServiceClient{ProviderClient: &gophercloud.ProviderClient{TokenID: token}, Endpoint: c.url + "/", ResourceBase: c.url + "/v2.0/", Type: "network"}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (c *cloudOf) call(method, path, token, body string, header ...string) answer {
	c.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = c.url + path
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("X-Auth-Token", token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// object is a decoded JSON object.
type object map[string]any

func (o object) text(name string) string { s, _ := o[name].(string); return s }

// ask makes a call that must have the status and decodes the answer.
func (c *cloudOf) ask(want int, method, path, token, body string, header ...string) object {
	c.t.Helper()
	a := c.call(method, path, token, body, header...)
	if a.status != want {
		c.t.Fatalf("%s %s %s: %d %s, want %d", method, path, body, a.status, a.body, want)
	}
	var o object
	if a.body != "" {
		if err := json.Unmarshal([]byte(a.body), &o); err != nil {
			c.t.Fatalf("%s %s: %v in %s", method, path, err, a.body)
		}
	}
	return o
}

// make creates one thing and returns it.
func (c *cloudOf) make(token, collection, attributes string, header ...string) object {
	c.t.Helper()
	name := strings.ReplaceAll(strings.TrimSuffix(collection, "s"), "-", "_")
	o := c.ask(201, "POST", "/v2.0/"+collection, token, `{"`+name+`":{`+attributes+`}}`, header...)
	return object(o[name].(map[string]any))
}

func (c *cloudOf) network(token, attributes string) string {
	c.t.Helper()
	return c.make(token, "networks", attributes).text("id")
}

// subnet makes a subnet 10.0.0.0/24.
func (c *cloudOf) subnet(token, networkID string) string {
	c.t.Helper()
	return c.make(token, "subnets", `"network_id":"`+networkID+`","ip_version":4,"cidr":"10.0.0.0/24"`).text("id")
}

// ids lists and returns the ids, in the answer's order.
func (c *cloudOf) ids(token, collection, query string) []string {
	c.t.Helper()
	o := c.ask(200, "GET", "/v2.0/"+collection+"?"+query, token, "")
	var ids []string
	for _, e := range o[strings.ReplaceAll(collection, "-", "_")].([]any) {
		ids = append(ids, e.(map[string]any)["id"].(string))
	}
	return ids
}
