package neutron

import (
	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
)

func (a *api) zoneRoutes() []front.Route {
	return []front.Route{
		{Method: "GET", Path: "/availability_zones", Rule: "network:zone:list", Handle: a.zoneList},
		{Method: "GET", Path: "/agents", Rule: "network:agent:list", Handle: agentList},
	}
}

type zoneWire struct {
	Name     string `json:"name"`
	Resource string `json:"resource"`
	State    string `json:"state"`
}

// zoneList takes the filters that clients use: name, resource and state.
func (a *api) zoneList(rq *front.Request) (*front.Response, error) {
	q := rq.Query()
	for name := range q {
		switch name {
		case "name", "resource", "state", "fields", "limit", "marker":
		default:
			return nil, cloud.Errorf(cloud.Invalid, "availability_zone", "['%s'] is invalid attribute for filtering", name)
		}
	}
	is := func(name, have string) bool { return !q.Has(name) || equals(q[name], have) }
	out := []zoneWire{}
	for _, z := range a.zones(rq.Read()) {
		if is("name", z) && is("resource", "network") && is("state", "available") {
			out = append(out, zoneWire{Name: z, Resource: "network", State: "available"})
		}
	}
	return front.OK(map[string]any{"availability_zones": out}), nil
}

// agentList answers truly: Neutron's agents are not there, hosts do their work.
// Compute's services list the hosts.
func agentList(*front.Request) (*front.Response, error) {
	return front.OK(map[string]any{"agents": []struct{}{}}), nil
}
