package quota

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/cloudlet/cloudlet/provider/client"
)

// wire is a project's quota as the two APIs give it.
type wire struct {
	Project                  string
	Compute, Network         map[string]int64
	ComputeUsed, NetworkUsed map[string]int64 // if asked for
}

// services are the clients of what keeps a project's quota.
type services struct{ compute, network, identity *gophercloud.ServiceClient }

// beside returns the clients that work where s, the compute API's, does. In a plan
// session those are nil that know none.
func beside(ctx context.Context, c *client.Client, s *gophercloud.ServiceClient) services {
	return services{s, c.Beside(ctx, s, c.Network), c.Beside(ctx, s, c.Identity)}
}

// get reads a project's quota. NotFound if the project is gone; who may not know
// whether it is, is told what the cloud says.
func (ss services) get(ctx context.Context, project string) (wire, error) {
	w := wire{Project: project}
	if err := ss.exists(ctx, project); err != nil {
		return w, err
	}
	var err error
	if w.Compute, err = read[int64](ctx, ss.compute, "quota_set", "os-quota-sets", project); err == nil {
		w.Network, err = read[int64](ctx, ss.network, "quota", "quotas", project)
	}
	return w, err
}

// usage reads how much of each a project has. A network API that does not tell is
// left out.
func (ss services) usage(ctx context.Context, w *wire) error {
	type use struct {
		InUse int64 `json:"in_use"`
		Used  int64 `json:"used"`
	}
	compute, err := read[use](ctx, ss.compute, "quota_set", "os-quota-sets", w.Project, "detail")
	if err != nil {
		return err
	}
	network, err := read[use](ctx, ss.network, "quota", "quotas", w.Project, "details.json")
	if err != nil && !client.NotFound(err) {
		return err
	}
	w.ComputeUsed, w.NetworkUsed = map[string]int64{}, map[string]int64{}
	for name, u := range compute {
		w.ComputeUsed[name] = u.InUse
	}
	for name, u := range network {
		w.NetworkUsed[name] = u.Used
	}
	return nil
}

// exists reports a project that is not there as NotFound.
func (ss services) exists(ctx context.Context, project string) error {
	if ss.identity == nil {
		return nil
	}
	resp, err := ss.identity.Get(ctx, ss.identity.ServiceURL("projects", url.PathEscape(project)), nil, nil)
	if _, _, err = gophercloud.ParseResponse(resp, err); gophercloud.ResponseCodeIs(err, http.StatusForbidden) {
		return nil
	}
	return client.At("/project_id", err)
}

// set changes the limits that are given: of the network API first, whose own are
// put back if the compute API refuses.
func (ss services) set(ctx context.Context, project string, compute, network map[string]any) error {
	var before map[string]int64
	if len(network) > 0 && ss.network != nil {
		var err error
		if before, err = read[int64](ctx, ss.network, "quota", "quotas", project); err != nil {
			return err
		}
		if err := put(ctx, ss.network, "quota", "quotas", project, network); err != nil {
			return err
		}
	}
	if len(compute) == 0 {
		return nil
	}
	err := put(ctx, ss.compute, "quota_set", "os-quota-sets", project, compute)
	if err != nil && before != nil {
		back := maps.Clone(network)
		for name := range back {
			back[name] = before[name]
		}
		if failed := put(ctx, ss.network, "quota", "quotas", project, back); failed != nil {
			err = fmt.Errorf("%w\n\nThe limits of networking were changed and could not be put back: %v", err, failed)
		}
	}
	return err
}

// reset gives a project the defaults again.
func (ss services) reset(ctx context.Context, project string) error {
	for _, at := range []struct {
		s    *gophercloud.ServiceClient
		path string
	}{{ss.compute, "os-quota-sets"}, {ss.network, "quotas"}} {
		if at.s == nil {
			continue
		}
		resp, err := at.s.Delete(ctx, at.s.ServiceURL(at.path, url.PathEscape(project)), &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusAccepted, http.StatusNoContent}})
		if _, _, err = gophercloud.ParseResponse(resp, err); err != nil && !client.NotFound(err) {
			return err
		}
	}
	return nil
}

// read gets an object of numbers, or of what V says; other members are left out.
func read[V any](ctx context.Context, s *gophercloud.ServiceClient, member, at, project string, more ...string) (map[string]V, error) {
	var out map[string]map[string]json.RawMessage
	resp, err := s.Get(ctx, s.ServiceURL(append([]string{at, url.PathEscape(project)}, more...)...), &out, nil)
	if _, _, err = gophercloud.ParseResponse(resp, err); err != nil {
		return nil, err
	}
	values := map[string]V{}
	for name, raw := range out[member] {
		var v V
		if json.Unmarshal(raw, &v) == nil {
			values[name] = v
		}
	}
	return values, nil
}

func put(ctx context.Context, s *gophercloud.ServiceClient, member, at, project string, body map[string]any) error {
	resp, err := s.Put(ctx, s.ServiceURL(at, url.PathEscape(project)), map[string]any{member: body}, nil, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	_, _, err = gophercloud.ParseResponse(resp, err)
	return err
}
