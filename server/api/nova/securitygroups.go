package nova

import (
	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/network"
)

func (a *api) securityGroupRoutes() []front.Route {
	return []front.Route{
		{Method: "GET", Path: "/os-security-groups", Rule: "compute:security_group:list", Max: v(35), Handle: securityGroupList},
		{Method: "GET", Path: "/os-security-groups/{id}", Rule: "compute:security_group:get", Target: securityGroupTarget, Max: v(35), Handle: securityGroupShow},
	}
}

func securityGroupTarget(rq *front.Request) (cloud.Target, error) {
	g, err := network.SecurityGroupGet(rq.Read(), rq.Caller, rq.PathValue("id"))
	return cloud.Target{ProjectID: g.ProjectID}, err
}

type groupRuleWire struct {
	ID       string            `json:"id"`
	Parent   string            `json:"parent_group_id"`
	From     any               `json:"from_port"`
	To       any               `json:"to_port"`
	Protocol any               `json:"ip_protocol"`
	Group    map[string]string `json:"group"`
	Range    map[string]string `json:"ip_range"`
}

type securityGroupWire struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	TenantID    string          `json:"tenant_id"`
	Rules       []groupRuleWire `json:"rules"`
}

// serverGroups lists the server's security groups with what they let in, in the
// form of the old network API.
func serverGroups(rq *front.Request) (*front.Response, error) {
	i, err := server(rq)
	if err != nil {
		return nil, err
	}
	out := []securityGroupWire{}
	for _, g := range compute.GroupsOf(rq.Read(), i) {
		out = append(out, renderSecurityGroup(rq, g))
	}
	return front.OK(map[string]any{"security_groups": out}), nil
}

// renderSecurityGroup tells a group with what it lets in.
func renderSecurityGroup(rq *front.Request, g network.SecurityGroup) securityGroupWire {
	w := securityGroupWire{ID: g.ID, Name: g.Name, Description: g.Description, TenantID: g.ProjectID, Rules: []groupRuleWire{}}
	for _, r := range network.SecurityGroupRules(rq.Read(), g.ID) {
		if r.Direction != network.Ingress {
			continue
		}
		rule := groupRuleWire{ID: r.ID, Parent: g.ID, From: orNil(r.PortMin), To: orNil(r.PortMax), Protocol: orNull(r.Protocol),
			Group: map[string]string{}, Range: map[string]string{}}
		if remote, ok := network.SecurityGroups.Get(rq.Read(), r.RemoteGroupID); ok {
			rule.Group = map[string]string{"name": remote.Name, "tenant_id": remote.ProjectID}
		} else if r.RemotePrefix.IsValid() {
			rule.Range["cidr"] = r.RemotePrefix.String()
		}
		w.Rules = append(w.Rules, rule)
	}
	return w
}

// securityGroupList lists the project's groups: until 2.35 Nova passed this on to
// the network service, and older clients look for groups here.
func securityGroupList(rq *front.Request) (*front.Response, error) {
	out := []securityGroupWire{}
	for g := range network.SecurityGroups.By(rq.Read(), "project", rq.Caller.ProjectID) {
		out = append(out, renderSecurityGroup(rq, g))
	}
	return front.OK(map[string]any{"security_groups": out}), nil
}

func securityGroupShow(rq *front.Request) (*front.Response, error) {
	g, err := network.SecurityGroupGet(rq.Read(), rq.Caller, rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return front.OK(map[string]any{"security_group": renderSecurityGroup(rq, g)}), nil
}

func orNil(n *int) any {
	if n == nil {
		return null
	}
	return *n
}
