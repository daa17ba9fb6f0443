package metadata

import (
	"encoding/json"
	"net"
	"net/netip"
	"slices"
)

// openstackVersions are Nova's, oldest first, without "latest".
var openstackVersions = []string{"2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30",
	"2016-10-06", "2017-02-22", "2018-08-27", "2020-10-14"}

const latest = "latest"

// openstackFiles returns the documents of a version of OpenStack's tree, each
// from the version on in which Nova began to serve it.
func (i Instance) openstackFiles(version string) *dir {
	since := func(v string) bool { return version == latest || version >= v }
	d := newDir()
	d.add("meta_data.json", file{data: i.metaData(), mime: mimeJSON})
	if len(i.UserData) > 0 {
		d.add("user_data", file{data: i.UserData, mime: mimeBytes})
	}
	if since("2013-04-04") {
		d.add("password", file{data: []byte(i.Password), mime: mimeText, password: true})
	}
	if since("2013-10-17") {
		d.add("vendor_data.json", file{data: orEmpty(i.VendorData), mime: mimeJSON})
	}
	if since("2015-10-15") {
		d.add("network_data.json", file{data: i.networkData(), mime: mimeJSON})
	}
	if since("2016-10-06") {
		d.add("vendor_data2.json", file{data: orEmpty(i.VendorData2), mime: mimeJSON})
	}
	return d
}

func orEmpty(b json.RawMessage) []byte {
	if len(b) == 0 {
		return []byte("{}")
	}
	return b
}

type keyJSON struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Data string `json:"data"`
}

func (i Instance) metaData() []byte {
	doc := struct {
		UUID             string            `json:"uuid"`
		Meta             map[string]string `json:"meta,omitempty"`
		PublicKeys       map[string]string `json:"public_keys,omitempty"`
		Keys             []keyJSON         `json:"keys,omitempty"`
		Hostname         string            `json:"hostname"`
		Name             string            `json:"name"`
		LaunchIndex      int               `json:"launch_index"`
		AvailabilityZone string            `json:"availability_zone"`
		ProjectID        string            `json:"project_id"`
		Devices          []struct{}        `json:"devices"`
		DedicatedCPUs    []int             `json:"dedicated_cpus"`
	}{
		UUID: i.ID, Meta: i.Metadata, Hostname: i.hostname(), Name: i.Name, LaunchIndex: i.LaunchIndex,
		AvailabilityZone: i.AvailabilityZone, ProjectID: i.ProjectID, Devices: []struct{}{}, DedicatedCPUs: []int{},
	}
	for _, k := range i.Keys {
		if doc.PublicKeys == nil {
			doc.PublicKeys = map[string]string{}
		}
		doc.PublicKeys[k.Name] = k.Data
		t := k.Type
		if t == "" {
			t = "ssh"
		}
		doc.Keys = append(doc.Keys, keyJSON{k.Name, t, k.Data})
	}
	return marshal(doc)
}

type linkJSON struct {
	ID    string `json:"id"`
	VIFID string `json:"vif_id"`
	Type  string `json:"type"`
	MTU   int    `json:"mtu,omitempty"`
	MAC   string `json:"ethernet_mac_address"`
}

type serviceJSON struct {
	Type    string `json:"type"`
	Address string `json:"address"`
}

type routeJSON struct {
	Network string `json:"network"`
	Netmask string `json:"netmask"`
	Gateway string `json:"gateway"`
}

type networkJSON struct {
	ID        string        `json:"id"`
	Type      string        `json:"type"`
	Link      string        `json:"link"`
	NetworkID string        `json:"network_id"`
	IPAddress string        `json:"ip_address,omitempty"`
	Netmask   string        `json:"netmask,omitempty"`
	Routes    []routeJSON   `json:"routes,omitempty"`
	Services  []serviceJSON `json:"services,omitempty"`
}

// networkData is Nova's network_data.json: links are cards, networks are their
// addresses. Link ids have the form of Nova's tap names, which some guests'
// network configuration is keyed by.
func (i Instance) networkData() []byte {
	links, networks, services := []linkJSON{}, []networkJSON{}, []serviceJSON{}
	for _, n := range i.NICs {
		link := "tap" + n.PortID[:min(11, len(n.PortID))]
		links = append(links, linkJSON{ID: link, VIFID: n.PortID, Type: "bridge", MTU: n.MTU, MAC: n.MAC})
		for _, a := range n.Addresses {
			networks = append(networks, a.json("network"+itoa(len(networks)), link, n.NetworkID))
			for _, s := range a.services() {
				if !slices.Contains(services, s) {
					services = append(services, s)
				}
			}
		}
	}
	return marshal(struct {
		Links    []linkJSON    `json:"links"`
		Networks []networkJSON `json:"networks"`
		Services []serviceJSON `json:"services"`
	}{links, networks, services})
}

func (a Address) json(id, link, network string) networkJSON {
	family := "ipv4"
	if a.IP.Is6() {
		family = "ipv6"
	}
	n := networkJSON{ID: id, Link: link, NetworkID: network, Type: family, Services: a.services()}
	if a.DHCP && !a.IP.Is6() {
		n.Type = family + "_dhcp"
		n.Services = nil
		return n
	}
	n.IPAddress, n.Netmask = a.IP.String(), netmask(a.Subnet)
	all := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	if a.IP.Is6() {
		all = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	routes := a.Routes
	if a.Gateway.IsValid() {
		routes = append([]Route{{all, a.Gateway}}, routes...)
	}
	for _, r := range routes {
		n.Routes = append(n.Routes, routeJSON{r.Dest.Masked().Addr().String(), netmask(r.Dest), r.Via.String()})
	}
	return n
}

func (a Address) services() []serviceJSON {
	var out []serviceJSON
	for _, d := range a.DNS {
		out = append(out, serviceJSON{"dns", d.String()})
	}
	return out
}

func netmask(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return net.IP(net.CIDRMask(p.Bits(), p.Addr().BitLen())).String()
}

// marshal renders a document of ours; such a value can't fail to render.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("metadata: " + err.Error())
	}
	return b
}
