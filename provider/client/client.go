package client

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
)

// ComputeMicroversion is what instances are read and written with: the newest
// whose answers the resources understand.
const ComputeMicroversion = "2.79"

// Client is a connection to one cloud in one scope. It is safe for concurrent
// use.
type Client struct {
	Compute, Network, Image, Identity *gophercloud.ServiceClient
	Region                            string
	UserID                            string                // who calls
	Scope                             gophercloud.AuthScope // where, by ids

	auth     gophercloud.AuthOptions
	session  string      // name of this process's plan session
	applying atomic.Bool // a call of this process has changed the cloud
	away     atomic.Bool // the cloud was away: what it knew of the plan session is lost
	mu       sync.Mutex
	knows    map[string]bool     // endpoint → knows plan sessions
	made     map[string][]string // kind → ids in the plan session of what the plan makes
}

// New authenticates and finds the endpoints. It blocks for two HTTP calls.
func New(ctx context.Context, c Config) (*Client, error) {
	auth, endpoint, tlsConfig, err := resolve(c)
	if err != nil {
		return nil, err
	}
	auth.AllowReauth = auth.TokenID == "" // a token is all that there is of it
	out := &Client{auth: auth, session: "tf-" + uuid.NewString(), knows: map[string]bool{}, made: map[string][]string{}}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = tlsConfig
	transport.MaxIdleConnsPerHost = 32 // Terraform makes 10 calls at once unless told otherwise
	waits := &patient{next: transport, limit: patienceAtFirst, away: func() {}}
	p, err := config.NewProviderClient(ctx, auth, config.WithHTTPClient(http.Client{Transport: waits}))
	if err != nil {
		return nil, fmt.Errorf("authenticating at %s: %w", auth.IdentityEndpoint, explain(err))
	}
	waits.limit, waits.away = patience, func() { out.away.Store(true) }
	p.UserAgent.Prepend(c.UserAgent)
	var token struct {
		User            struct{ ID string }
		Project, Domain struct{ ID string }
		System          struct{ All bool }
	}
	if auth, ok := p.GetAuthResult().(interface{ ExtractInto(v any) error }); ok && auth.ExtractInto(&token) == nil {
		out.UserID = token.User.ID
		out.Scope = gophercloud.AuthScope{ProjectID: token.Project.ID, DomainID: token.Domain.ID, System: token.System.All}
	}
	out.Region = endpoint.Region
	if err := out.find(p, endpoint); err != nil {
		return nil, err
	}
	return out, nil
}

// find finds the services in the catalog.
func (c *Client) find(p *gophercloud.ProviderClient, endpoint gophercloud.EndpointOpts) (err error) {
	if c.Compute, err = openstack.NewComputeV2(p, endpoint); err != nil {
		return fmt.Errorf("the catalog has no compute endpoint for region %q: %w", endpoint.Region, err)
	}
	c.Compute.Microversion = ComputeMicroversion
	c.Compute.MoreHeaders = map[string]string{"Cloudlet-Intent": "true"} // tell what a server was asked to be; others ignore it
	if c.Network, err = openstack.NewNetworkV2(p, endpoint); err != nil {
		return fmt.Errorf("the catalog has no network endpoint for region %q: %w", endpoint.Region, err)
	}
	if c.Image, err = openstack.NewImageV2(p, endpoint); err != nil {
		return fmt.Errorf("the catalog has no image endpoint for region %q: %w", endpoint.Region, err)
	}
	if c.Identity, err = openstack.NewIdentityV3(p, endpoint); err != nil {
		c.Identity, err = openstack.NewIdentityV3(p, gophercloud.EndpointOpts{}) // where it authenticated
	}
	if err != nil {
		return fmt.Errorf("the identity API is not known: %w", err)
	}
	return nil
}

// Changing notes that a call is about to change the cloud and returns a context
// for it: with ctx's values and deadline, but not cancelled by Ctrl-C, so that
// what is created can be put in the state.
func (c *Client) Changing(ctx context.Context) (context.Context, context.CancelFunc) {
	c.applying.Store(true)
	detached := context.WithoutCancel(ctx)
	if d, ok := ctx.Deadline(); ok {
		return context.WithDeadline(detached, d)
	}
	return context.WithCancel(detached)
}

// with returns a copy of a service client that sends one more header.
func with(s *gophercloud.ServiceClient, name, value string) *gophercloud.ServiceClient {
	c := *s
	c.MoreHeaders = map[string]string{name: value}
	maps.Copy(c.MoreHeaders, s.MoreHeaders)
	return &c
}

// extension reports whether the endpoint of s says that it knows an extension.
// A cloud that does not answer clearly does not know it.
func (c *Client) extension(ctx context.Context, s *gophercloud.ServiceClient, name string) bool {
	key := name + " " + s.Endpoint
	c.mu.Lock()
	known, ok := c.knows[key]
	c.mu.Unlock()
	if ok {
		return known
	}
	resp, err := s.Get(ctx, s.Endpoint, nil, &gophercloud.RequestOpts{OkCodes: []int{200, 203, 300}})
	if err == nil {
		resp.Body.Close()
		known = hasToken(resp.Header.Values("Cloudlet-Extensions"), name)
	} else if ctx.Err() != nil {
		return false // asked again next time
	}
	c.mu.Lock()
	c.knows[key] = known
	c.mu.Unlock()
	return known
}

func hasToken(lines []string, name string) bool {
	for _, l := range lines {
		for t := range strings.SplitSeq(l, ",") {
			if strings.TrimSpace(t) == name {
				return true
			}
		}
	}
	return false
}

// NotFound reports whether an error is the cloud's 404.
func NotFound(err error) bool { return gophercloud.ResponseCodeIs(err, http.StatusNotFound) }
