package neutron_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/common/extensions"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/attributestags"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/external"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/provider"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/quotas"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
)

// ok returns a result, or ends the test.
func ok[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestGophercloudNetworks(t *testing.T) {
	c := start(t)
	me, ctx := c.client(ann), t.Context()
	n := ok[*networks.Network](t)(networks.Create(ctx, me, networks.CreateOpts{Name: "n", AdminStateUp: gophercloud.Enabled, Description: "d"}).Extract())
	if n.Status != "ACTIVE" || n.TenantID != "p1" || n.ProjectID != "p1" || !n.AdminStateUp || n.CreatedAt.IsZero() || n.RevisionNumber != 1 {
		t.Errorf("created %+v", n)
	}
	name := "m"
	n = ok[*networks.Network](t)(networks.Update(ctx, me, n.ID, networks.UpdateOpts{Name: &name, RevisionNumber: new(1)}).Extract())
	if n.Name != "m" || n.RevisionNumber != 2 {
		t.Errorf("updated %+v", n)
	}
	var full struct {
		networks.Network
		external.NetworkExternalExt
		provider.NetworkProviderExt
	}
	if err := networks.Get(ctx, c.client(admin), n.ID).ExtractInto(&full); err != nil || full.External || full.NetworkType != "vxlan" || full.SegmentationID == "" {
		t.Errorf("an admin gets %+v, %v", full, err)
	}
	for range 4 {
		networks.Create(ctx, me, networks.CreateOpts{Name: "more"})
	}
	pages, err := networks.List(me, networks.ListOpts{Limit: 2}).AllPages(ctx)
	all := ok[[]networks.Network](t)(networks.ExtractNetworks(pages))
	if err != nil || len(all) != 5 {
		t.Errorf("%d networks in pages of two, %v", len(all), err)
	}
	if err := networks.Delete(ctx, me, n.ID).ExtractErr(); err != nil {
		t.Error(err)
	}
	if _, err := networks.Get(ctx, me, n.ID).Extract(); !gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		t.Errorf("after the delete: %v", err)
	}
}

func TestGophercloudSubnetsAndPorts(t *testing.T) {
	c := start(t)
	me, ctx := c.client(ann), t.Context()
	n := c.network(ann, "")
	none := ""
	s := ok[*subnets.Subnet](t)(subnets.Create(ctx, me, subnets.CreateOpts{NetworkID: n, Name: "s", CIDR: "10.0.0.0/24", IPVersion: gophercloud.IPv4, EnableDHCP: gophercloud.Enabled,
		DNSNameservers: []string{"9.9.9.9", "1.1.1.1"}, HostRoutes: []subnets.HostRoute{{DestinationCIDR: "10.9.0.0/16", NextHop: "10.0.0.9"}},
		AllocationPools: []subnets.AllocationPool{{Start: "10.0.0.100", End: "10.0.0.110"}}}).Extract())
	if s.GatewayIP != "10.0.0.1" || s.IPVersion != 4 || !slices.Equal(s.DNSNameservers, []string{"9.9.9.9", "1.1.1.1"}) || s.HostRoutes[0].NextHop != "10.0.0.9" || s.AllocationPools[0].End != "10.0.0.110" {
		t.Errorf("created %+v", s)
	}
	s = ok[*subnets.Subnet](t)(subnets.Update(ctx, me, s.ID, subnets.UpdateOpts{GatewayIP: &none, HostRoutes: &[]subnets.HostRoute{}}).Extract())
	if s.GatewayIP != "" || len(s.HostRoutes) != 0 || len(s.DNSNameservers) != 2 {
		t.Errorf("updated %+v", s)
	}
	s6 := ok[*subnets.Subnet](t)(subnets.Create(ctx, me, subnets.CreateOpts{NetworkID: n, CIDR: "fd00::/64", IPVersion: gophercloud.IPv6, GatewayIP: &none}).Extract())
	p := ok[*ports.Port](t)(ports.Create(ctx, me, ports.CreateOpts{NetworkID: n, Name: "p", AllowedAddressPairs: []ports.AddressPair{{IPAddress: "10.0.0.200"}, {IPAddress: "10.8.0.0/16", MACAddress: "02:00:00:00:00:09"}}}).Extract())
	if len(p.FixedIPs) != 2 || p.FixedIPs[0] != (ports.IP{SubnetID: s.ID, IPAddress: "10.0.0.100"}) || p.FixedIPs[1].SubnetID != s6.ID || p.Status != "DOWN" || len(p.SecurityGroups) != 1 ||
		p.AllowedAddressPairs[0] != (ports.AddressPair{IPAddress: "10.0.0.200", MACAddress: p.MACAddress}) || p.AllowedAddressPairs[1].IPAddress != "10.8.0.0/16" {
		t.Errorf("created %+v", p)
	}
	p = ok[*ports.Port](t)(ports.Update(ctx, me, p.ID, ports.UpdateOpts{Name: &none, FixedIPs: []ports.IP{{SubnetID: s.ID, IPAddress: "10.0.0.105"}}, SecurityGroups: &[]string{}, AllowedAddressPairs: &[]ports.AddressPair{}}).Extract())
	if len(p.FixedIPs) != 1 || p.FixedIPs[0].IPAddress != "10.0.0.105" || len(p.SecurityGroups) != 0 || len(p.AllowedAddressPairs) != 0 || p.Name != "" {
		t.Errorf("updated %+v", p)
	}
	pages, err := ports.List(me, ports.ListOpts{FixedIPs: []ports.FixedIPOpts{{IPAddress: "10.0.0.105", SubnetID: s.ID}}}).AllPages(ctx)
	if found := ok[[]ports.Port](t)(ports.ExtractPorts(pages)); err != nil || len(found) != 1 {
		t.Errorf("found %+v, %v", found, err)
	}
	tags := ok[[]string](t)(attributestags.ReplaceAll(ctx, me, "ports", p.ID, attributestags.ReplaceAllOpts{Tags: []string{"b", "a"}}).Extract())
	if !slices.Equal(tags, []string{"a", "b"}) {
		t.Errorf("tags %v", tags)
	}
	if err := attributestags.Add(ctx, me, "ports", p.ID, "c d").ExtractErr(); err != nil {
		t.Error(err)
	}
	if has, err := attributestags.Confirm(ctx, me, "ports", p.ID, "c d").Extract(); !has || err != nil {
		t.Errorf("the tag that was added is there: %t, %v", has, err)
	}
	if err := attributestags.Delete(ctx, me, "ports", p.ID, "a").ExtractErr(); err != nil {
		t.Error(err)
	}
	if err := attributestags.DeleteAll(ctx, me, "ports", p.ID).ExtractErr(); err != nil {
		t.Error(err)
	}
	if tags := ok[[]string](t)(attributestags.List(ctx, me, "ports", p.ID).Extract()); len(tags) != 0 {
		t.Errorf("tags are left: %v", tags)
	}
	if err := attributestags.Delete(ctx, me, "ports", p.ID, "a").ExtractErr(); !gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		t.Errorf("deleting a tag that is gone: %v", err)
	}
}

func TestGophercloudSecurityGroups(t *testing.T) {
	c := start(t)
	me, ctx := c.client(ann), t.Context()
	if ids := c.ids(ann, "security-groups", "name=default"); len(ids) != 1 {
		t.Fatalf("a fresh project has the default groups %v", ids)
	}
	g := ok[*groups.SecGroup](t)(groups.Create(ctx, me, groups.CreateOpts{Name: "web", Description: "d"}).Extract())
	if len(g.Rules) != 2 || g.Rules[0].Direction != "egress" || g.ProjectID != "p1" {
		t.Errorf("created %+v", g)
	}
	r := ok[*rules.SecGroupRule](t)(rules.Create(ctx, me, rules.CreateOpts{SecGroupID: g.ID, Direction: rules.DirIngress, EtherType: rules.EtherType4, Protocol: rules.ProtocolTCP,
		PortRangeMin: 22, PortRangeMax: 22, RemoteIPPrefix: "10.0.0.7", Description: "ssh"}).Extract())
	if r.RemoteIPPrefix != "10.0.0.7/32" || r.PortRangeMax != 22 || r.Protocol != "tcp" || r.SecGroupID != g.ID {
		t.Errorf("created %+v", r)
	}
	many := ok[[]rules.SecGroupRule](t)(rules.CreateBulk(ctx, me, []rules.CreateOpts{
		{SecGroupID: g.ID, Direction: rules.DirIngress, EtherType: rules.EtherType6, Protocol: "58"},
		{SecGroupID: g.ID, Direction: rules.DirIngress, EtherType: rules.EtherType4, RemoteGroupID: g.ID},
	}).Extract())
	if len(many) != 2 || many[0].Protocol != "58" || many[1].RemoteGroupID != g.ID {
		t.Errorf("created %+v", many)
	}
	if g := ok[*groups.SecGroup](t)(groups.Get(ctx, me, g.ID).Extract()); len(g.Rules) != 5 || g.RevisionNumber != 4 {
		t.Errorf("the group has %d rules at revision %d, want 5 at 4", len(g.Rules), g.RevisionNumber)
	}
	pages, err := rules.List(me, rules.ListOpts{SecGroupID: g.ID, Direction: "ingress"}).AllPages(ctx)
	if found := ok[[]rules.SecGroupRule](t)(rules.ExtractRules(pages)); err != nil || len(found) != 3 {
		t.Errorf("found %d ingress rules, %v", len(found), err)
	}
	name := "www"
	if g := ok[*groups.SecGroup](t)(groups.Update(ctx, me, g.ID, groups.UpdateOpts{Name: name}).Extract()); g.Name != "www" || len(g.Rules) != 5 {
		t.Errorf("updated %+v", g)
	}
	if err := rules.Delete(ctx, me, r.ID).ExtractErr(); err != nil {
		t.Error(err)
	}
	if err := groups.Delete(ctx, me, g.ID).ExtractErr(); err != nil {
		t.Error(err)
	}
}

func TestGophercloudQuotasAndExtensions(t *testing.T) {
	c := start(t)
	ctx := t.Context()
	c.network(ann, "")
	d := ok[*quotas.QuotaDetailSet](t)(quotas.GetDetail(ctx, c.client(ann), "p1").Extract())
	if d.Network.Limit != 100 || d.Network.Used != 1 {
		t.Errorf("details %+v", d.Network)
	}
	q := ok[*quotas.Quota](t)(quotas.Update(ctx, c.client(admin), "p1", quotas.UpdateOpts{Network: new(7), SecurityGroup: new(-1)}).Extract())
	if q.Network != 7 || q.SecurityGroup != -1 || q.Port != 500 {
		t.Errorf("updated %+v", q)
	}
	if q := ok[*quotas.Quota](t)(quotas.Get(ctx, c.client(ann), "p1").Extract()); q.Network != 7 {
		t.Errorf("got %+v", q)
	}
	c.refuses(t, []refusal{
		{"a limit below use", "PUT", "/quotas/p1", admin, `{"quota":{"network":0,"check_limit":true}}`, 400, "HTTPBadRequest", "/quota/network", "too low"},
		{"an unknown resource", "PUT", "/quotas/p1", admin, `{"quota":{"router":1}}`, 400, "HTTPBadRequest", "/quota/router", "'router'"},
		{"a project id too long", "PUT", "/quotas/" + strings.Repeat("x", 256), admin, `{"quota":{"network":1}}`, 400, "HTTPBadRequest", "", "255 characters"},
		{"no limit", "PUT", "/quotas/p1", admin, `{"quota":{"network":-2}}`, 400, "HTTPBadRequest", "/quota/network", "-2"},
	})
	if list := c.ask(200, "GET", "/v2.0/quotas", admin, "")["quotas"].([]any); len(list) != 1 {
		t.Errorf("projects with limits of their own: %v", list)
	}
	if err := quotas.Delete(ctx, c.client(admin), "p1").ExtractErr(); err != nil {
		t.Error(err)
	}
	c.ask(404, "DELETE", "/v2.0/quotas/p1", admin, "")
	if o := c.ask(200, "GET", "/v2.0/quotas/p1/default", ann, "")["quota"].(map[string]any); o["network"] != 100.0 {
		t.Errorf("defaults %v", o)
	}

	pages, err := extensions.List(c.client(ann)).AllPages(ctx)
	all := ok[[]extensions.Extension](t)(extensions.ExtractExtensions(pages))
	has := func(alias string) bool {
		return slices.ContainsFunc(all, func(e extensions.Extension) bool { return e.Alias == alias })
	}
	if err != nil || !has("security-group") || !has("standard-attr-tag") || has("router") || has("agent") {
		t.Errorf("extensions %v, %v", all, err)
	}
	if e := ok[*extensions.Extension](t)(extensions.Get(ctx, c.client(ann), "quota_details").Extract()); e.Alias != "quota_details" {
		t.Errorf("got %+v", e)
	}
}

func TestDiscovery(t *testing.T) {
	c := start(t)
	v := c.ask(200, "GET", "", "", "")["versions"].([]any)[0].(map[string]any)
	self := v["links"].([]any)[0].(map[string]any)["href"].(string)
	if v["id"] != "v2.0" || v["status"] != "CURRENT" || self != c.url+"/v2.0/" {
		t.Errorf("versions %v", v)
	}
	for _, r := range c.ask(200, "GET", self, "", "")["resources"].([]any) {
		href := r.(map[string]any)["links"].([]any)[0].(map[string]any)["href"].(string)
		c.ask(200, "GET", href, admin, "")
	}
	if z := c.ask(200, "GET", "/v2.0/availability_zones?resource=network", ann, "")["availability_zones"].([]any); len(z) != 1 {
		t.Errorf("zones %v", z)
	}
	if a := c.ask(200, "GET", "/v2.0/agents", admin, "")["agents"].([]any); len(a) != 0 {
		t.Errorf("agents %v", a)
	}
}
