package neutron

import "github.com/cloudlet/cloudlet/server/api/front"

type versionDoc struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Links  []link `json:"links"`
}

type resourceDoc struct {
	Name       string `json:"name"`
	Collection string `json:"collection"`
	Links      []link `json:"links"`
}

func versionRoutes() []front.Route {
	return []front.Route{
		{Method: "GET", Path: "/", AtRoot: true, Rule: front.Public, Handle: versionList},
		{Method: "GET", Path: "/", Rule: front.Public, Handle: versionShow},
	}
}

func versionList(rq *front.Request) (*front.Response, error) {
	d := versionDoc{ID: "v2.0", Status: "CURRENT", Links: []link{{Rel: "self", Href: rq.URL("/v2.0/")}}}
	return front.OK(map[string][]versionDoc{"versions": {d}}), nil
}

// versionShow lists the resources that there are.
func versionShow(rq *front.Request) (*front.Response, error) {
	out := []resourceDoc{}
	for _, r := range []struct{ name, collection, path string }{
		{"network", "networks", "networks"}, {"subnet", "subnets", "subnets"}, {"port", "ports", "ports"},
		{"security_group", "security_groups", "security-groups"}, {"security_group_rule", "security_group_rules", "security-group-rules"},
		{"quota", "quotas", "quotas"}, {"availability_zone", "availability_zones", "availability_zones"}, {"extension", "extensions", "extensions"},
	} {
		out = append(out, resourceDoc{r.name, r.collection, []link{{Rel: "self", Href: rq.URL("/v2.0/" + r.path)}}})
	}
	return front.OK(map[string][]resourceDoc{"resources": out}), nil
}
