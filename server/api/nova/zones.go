package nova

import (
	"github.com/go-json-experiment/json"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
)

type zoneWire struct {
	Name  string          `json:"zoneName"`
	State map[string]bool `json:"zoneState"`
	Hosts any             `json:"hosts"`
}

func zoneList(detail bool) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		hosts := hostsByName(rq.Read())
		out := []zoneWire{}
		for _, name := range compute.Zones(rq.Read()) {
			available := false
			members := map[string]any{}
			for _, h := range hosts {
				if h.Zone != name {
					continue
				}
				available = available || h.Alive() && !h.Disabled
				members[h.Name] = map[string]any{computeBinary: map[string]any{"active": !h.Disabled, "available": h.Alive(), "updated_at": longStamp(h.SeenAt)}}
			}
			z := zoneWire{Name: name, State: map[string]bool{"available": available}, Hosts: null}
			if detail {
				z.Hosts = members
			}
			out = append(out, z)
		}
		return front.OK(map[string]any{"availabilityZoneInfo": out}), nil
	}
}

type extension struct {
	Alias       string `json:"alias"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Namespace   string `json:"namespace"`
	Updated     string `json:"updated"`
	Links       []link `json:"links"`
}

// extensions are the parts of Nova's API, by the names they had before
// microversions, that are served here.
var extensions = []struct{ alias, name, description string }{
	{"os-access-ips", "AccessIPs", "Access IPs support."},
	{"os-admin-actions", "AdminActions", "Reset the state of a server."},
	{"os-attach-interfaces", "AttachInterfaces", "Attach interface support."},
	{"os-availability-zone", "AvailabilityZone", "Availability zones of servers and hosts."},
	{"os-config-drive", "ConfigDrive", "Config drive of a server."},
	{"os-console-output", "ConsoleOutput", "Console log output support."},
	{"os-extended-availability-zone", "ExtendedAvailabilityZone", "Availability zone of a server."},
	{"os-extended-server-attributes", "ExtendedServerAttributes", "Host and other attributes of a server."},
	{"os-extended-status", "ExtendedStatus", "Task, virtual machine and power state of a server."},
	{"os-flavor-access", "FlavorAccess", "Flavors for some projects only."},
	{"os-flavor-extra-specs", "FlavorExtraSpecs", "Extra specs of flavors."},
	{"os-flavor-manage", "FlavorManage", "Create and delete flavors."},
	{"os-hypervisors", "Hypervisors", "Hypervisors and what they give."},
	{"os-instance-actions", "ServerActions", "A log of actions and events on a server."},
	{"os-keypairs", "Keypairs", "Keypair support."},
	{"os-lock-server", "LockServer", "Lock and unlock a server."},
	{"os-multiple-create", "MultipleCreate", "Create several servers at once."},
	{"os-quota-class-sets", "QuotaClasses", "Default quotas."},
	{"os-quota-sets", "Quotas", "Quotas of projects."},
	{"os-scheduler-hints", "SchedulerHints", "Hints for the choice of a host."},
	{"os-security-groups", "SecurityGroups", "Security groups of servers."},
	{"os-server-groups", "ServerGroups", "Groups of servers with a placement policy."},
	{"os-server-usage", "ServerUsage", "When a server was launched."},
	{"os-simple-tenant-usage", "SimpleTenantUsage", "What projects used of servers in a time."},
	{"os-services", "Services", "Compute services."},
	{"os-used-limits", "UsedLimits", "What of the limits is used."},
	{"os-user-data", "UserData", "User data of a server."},
}

func extensionList(*front.Request) (*front.Response, error) {
	out := make([]extension, len(extensions))
	for n := range extensions {
		out[n] = renderExtension(n)
	}
	return front.OK(map[string]any{"extensions": out}), nil
}

func extensionShow(rq *front.Request) (*front.Response, error) {
	for n, e := range extensions {
		if e.alias == rq.PathValue("alias") {
			return front.OK(map[string]any{"extension": renderExtension(n)}), nil
		}
	}
	return nil, cloud.Errorf(cloud.NotFound, "extension", "No extension found with alias %s.", rq.PathValue("alias"))
}

func renderExtension(n int) extension {
	e := extensions[n]
	return extension{Alias: e.alias, Name: e.name, Description: e.description, Namespace: "http://docs.openstack.org/compute/ext/fake_xml",
		Updated: "2014-12-03T00:00:00Z", Links: []link{}}
}

// jsonString renders v as a string that holds JSON.
func jsonString(v any) string {
	b, _ := json.Marshal(v, json.Deterministic(true)) // maps of plain values never fail
	return string(b)
}
