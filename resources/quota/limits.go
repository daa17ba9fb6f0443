package quota

import (
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// limits are numbers of things: how many there may be, or how many there are.
type limits struct {
	Instances            types.Int64 `tfsdk:"instances"`
	Cores                types.Int64 `tfsdk:"cores"`
	RAM                  types.Int64 `tfsdk:"ram"`
	KeyPairs             types.Int64 `tfsdk:"key_pairs"`
	MetadataItems        types.Int64 `tfsdk:"metadata_items"`
	InstanceGroups       types.Int64 `tfsdk:"instance_groups"`
	InstanceGroupMembers types.Int64 `tfsdk:"instance_group_members"`
	Networks             types.Int64 `tfsdk:"networks"`
	Subnets              types.Int64 `tfsdk:"subnets"`
	Ports                types.Int64 `tfsdk:"ports"`
	SecurityGroups       types.Int64 `tfsdk:"security_groups"`
	SecurityGroupRules   types.Int64 `tfsdk:"security_group_rules"`
	Routers              types.Int64 `tfsdk:"routers"`
	FloatingIPs          types.Int64 `tfsdk:"floating_ips"`
}

// limit is one of them: the API's name for it, and Terraform's.
type limit struct {
	wire, name, doc string
	value           *types.Int64
}

// compute are the limits that the compute API keeps.
func (l *limits) compute() []limit {
	return []limit{
		{"instances", "instances", "instances", &l.Instances},
		{"cores", "cores", "virtual processors of all instances", &l.Cores},
		{"ram", "ram", "memory of all instances in MiB", &l.RAM},
		{"key_pairs", "key_pairs", "keypairs of each user", &l.KeyPairs},
		{"metadata_items", "metadata_items", "metadata entries of each instance", &l.MetadataItems},
		{"server_groups", "instance_groups", "groups of instances", &l.InstanceGroups},
		{"server_group_members", "instance_group_members", "instances in each group", &l.InstanceGroupMembers},
	}
}

// network are the limits that the network API keeps.
func (l *limits) network() []limit {
	return []limit{
		{"network", "networks", "networks", &l.Networks},
		{"subnet", "subnets", "subnets", &l.Subnets},
		{"port", "ports", "ports", &l.Ports},
		{"security_group", "security_groups", "security groups", &l.SecurityGroups},
		{"security_group_rule", "security_group_rules", "rules of all security groups", &l.SecurityGroupRules},
		{"router", "routers", "routers", &l.Routers},
		{"floatingip", "floating_ips", "floating IPs", &l.FloatingIPs},
	}
}

func (l *limits) all() []limit { return append(l.compute(), l.network()...) }

// fields are the attributes that an error of the API may point at.
var fields = func() client.Fields {
	f := client.Fields{"/project_id": path.Root("project_id")}
	var l limits
	for _, x := range l.compute() {
		f["/quota_set/"+x.wire] = path.Root(x.name)
	}
	for _, x := range l.network() {
		f["/quota/"+x.wire] = path.Root(x.name)
	}
	return f
}()

// given returns the limits of a service that are known and differ from what they
// were, by the API's names. was is nil if all count.
func given(is, was []limit) map[string]any {
	out := map[string]any{}
	for n, x := range is {
		known := !x.value.IsNull() && !x.value.IsUnknown()
		if known && (was == nil || !x.value.Equal(*was[n].value)) {
			out[x.wire] = x.value.ValueInt64()
		}
	}
	return out
}

// tell sets the limits of a service; one that it does not tell is null.
func tell(ls []limit, told map[string]int64) {
	for _, x := range ls {
		*x.value = types.Int64Null()
		if n, ok := told[x.wire]; ok {
			*x.value = types.Int64Value(n)
		}
	}
}
