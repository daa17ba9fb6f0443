package instance

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/cloudlet/cloudlet/provider/client"
)

// wire is a server as the API gives it, from microversion 2.71.
type wire struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Status      string            `json:"status"`
	ProjectID   string            `json:"tenant_id"`
	Description string            `json:"description"`
	Image       json.RawMessage   `json:"image"` // {"id": …}, or "" for none
	Flavor      wireFlavor        `json:"flavor"`
	KeyName     string            `json:"key_name"`
	ConfigDrive string            `json:"config_drive"`
	Zone        string            `json:"OS-EXT-AZ:availability_zone"`
	Metadata    map[string]string `json:"metadata"`
	Tags        []string          `json:"tags"`
	UserData    string            `json:"OS-EXT-SRV-ATTR:user_data"`
	TaskState   string            `json:"OS-EXT-STS:task_state"`
	Fault       struct {
		Message string `json:"message"`
	} `json:"fault"`
	Intent *wireIntent `json:"cloudlet:intent"`
}

type wireFlavor struct {
	Name string `json:"original_name"`
}

// wireIntent is Cloudlet's extension: what the server was asked to be.
type wireIntent struct {
	Networks []wireNIC           `json:"networks"`
	Hints    map[string][]string `json:"scheduler_hints"`
	Zone     string              `json:"availability_zone"`
	UserData string              `json:"user_data"`
	FlavorID string              `json:"flavor_id"`
}

type wireNIC struct {
	Port string    `json:"port"`
	Made bool      `json:"made"`
	Is   *wirePort `json:"is"` // null if the port was deleted
}

func (w wire) imageID() string {
	var i struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(w.Image, &i) // "" is an instance without image
	return i.ID
}

// foreign reports whether a port was named by the user: it is not the instance's.
func (w wire) foreign(port string) bool {
	if w.Intent == nil {
		return false
	}
	return slices.ContainsFunc(w.Intent.Networks, func(n wireNIC) bool { return n.Port == port && !n.Made })
}

// gone reports whether the API still tells of an instance that was deleted.
func (w wire) gone() bool { return w.Status == "DELETED" || w.Status == "SOFT_DELETED" }

// model is the resource as Terraform keeps it.
type model struct {
	ID                types.String   `tfsdk:"id"`
	ProjectID         types.String   `tfsdk:"project_id"`
	Name              types.String   `tfsdk:"name"`
	Description       types.String   `tfsdk:"description"`
	ImageID           types.String   `tfsdk:"image_id"`
	ImageName         types.String   `tfsdk:"image_name"`
	FlavorID          types.String   `tfsdk:"flavor_id"`
	FlavorName        types.String   `tfsdk:"flavor_name"`
	Networks          types.List     `tfsdk:"networks"`
	SecurityGroupIDs  types.Set      `tfsdk:"security_group_ids"`
	KeyPair           types.String   `tfsdk:"key_pair"`
	UserData          types.String   `tfsdk:"user_data"`
	UserDataWO        types.String   `tfsdk:"user_data_wo"`
	UserDataWOVersion types.Int64    `tfsdk:"user_data_wo_version"`
	Metadata          types.Map      `tfsdk:"metadata"`
	Tags              types.Set      `tfsdk:"tags"`
	ConfigDrive       types.Bool     `tfsdk:"config_drive"`
	AvailabilityZone  types.String   `tfsdk:"availability_zone"`
	SchedulerHints    types.Object   `tfsdk:"scheduler_hints"`
	PowerState        types.String   `tfsdk:"power_state"`
	IPv4Address       types.String   `tfsdk:"ipv4_address"`
	IPv6Address       types.String   `tfsdk:"ipv6_address"`
	Timeouts          timeouts.Value `tfsdk:"timeouts"`
}

// hints is scheduler_hints.
type hints struct {
	SameHostIDs      types.Set    `tfsdk:"same_host_ids"`
	DifferentHostIDs types.Set    `tfsdk:"different_host_ids"`
	GroupID          types.String `tfsdk:"group_id"`
}

var hintsType = map[string]attr.Type{"same_host_ids": types.SetType{ElemType: types.StringType}, "different_host_ids": types.SetType{ElemType: types.StringType}, "group_id": types.StringType}

// wire returns the hints as a create sends them. An instance that a plan will
// make has no stand-in: it is left out.
func (h hints) wire() map[string]any {
	w := map[string]any{}
	put := func(name string, ids []string) {
		ids = slices.DeleteFunc(ids, func(id string) bool { return id == client.UnknownID })
		if len(ids) > 0 {
			w[name] = ids
		}
	}
	put("same_host", client.Strings(h.SameHostIDs))
	put("different_host", client.Strings(h.DifferentHostIDs))
	if g := h.GroupID.ValueString(); g != "" && g != client.UnknownID {
		w["group"] = g
	}
	return w
}

// hintsFrom tells an intent's hints; null if it has none.
func hintsFrom(ctx context.Context, w map[string][]string, diags *diag.Diagnostics) types.Object {
	h := hints{SameHostIDs: types.SetNull(types.StringType), DifferentHostIDs: types.SetNull(types.StringType)}
	if ids := w["same_host"]; len(ids) > 0 {
		h.SameHostIDs = client.Set(ctx, ids, diags)
	}
	if ids := w["different_host"]; len(ids) > 0 {
		h.DifferentHostIDs = client.Set(ctx, ids, diags)
	}
	if ids := w["group"]; len(ids) > 0 {
		h.GroupID = types.StringValue(ids[0])
	}
	if h.SameHostIDs.IsNull() && h.DifferentHostIDs.IsNull() && h.GroupID.IsNull() {
		return types.ObjectNull(hintsType)
	}
	o, d := types.ObjectValueFrom(ctx, hintsType, h)
	diags.Append(d...)
	return o
}

// nics returns the cards of a list. One that is not known yet has unknown fields.
func nics(ctx context.Context, v types.List, diags *diag.Diagnostics) []nic {
	var out []nic
	for _, e := range v.Elements() {
		n := nic{types.StringUnknown(), types.StringUnknown(), types.StringUnknown(), types.StringUnknown()}
		if o, ok := e.(types.Object); ok && !o.IsUnknown() {
			diags.Append(o.As(ctx, &n, basetypes.ObjectAsOptions{})...)
		}
		out = append(out, n)
	}
	return out
}

func nicList(ns []nic) types.List {
	out := make([]attr.Value, 0, len(ns))
	for _, n := range ns {
		out = append(out, types.ObjectValueMust(nicType.AttrTypes, map[string]attr.Value{"network_id": n.NetworkID, "port_id": n.PortID, "fixed_ip": n.FixedIP, "mac_address": n.MACAddress}))
	}
	return types.ListValueMust(nicType, out)
}

// createBody is what a create sends. userData is the write-only one if given.
func (m *model) createBody(ctx context.Context, userData string, diags *diag.Diagnostics) map[string]any {
	server := client.CreateBody([]client.Attribute{
		{Wire: "name", Value: m.Name},
		{Wire: "imageRef", Value: m.ImageID},
		{Wire: "flavorRef", Value: m.FlavorID},
		{Wire: "key_name", Value: m.KeyPair},
		{Wire: "metadata", Value: m.Metadata},
		{Wire: "tags", Value: m.Tags},
		{Wire: "config_drive", Value: m.ConfigDrive},
		{Wire: "availability_zone", Value: m.AvailabilityZone},
	})
	if d := m.Description.ValueString(); d != "" {
		server["description"] = d
	}
	if userData == "" {
		userData = m.UserData.ValueString()
	}
	if userData != "" {
		server["user_data"] = encode(userData)
	}
	server["networks"] = m.networksWire(ctx, diags)
	if ids := client.Strings(m.SecurityGroupIDs); len(ids) > 0 {
		groups := []map[string]string{}
		for _, id := range ids {
			groups = append(groups, map[string]string{"name": id})
		}
		server["security_groups"] = groups
	}
	body := map[string]any{"server": server}
	if !m.SchedulerHints.IsNull() && !m.SchedulerHints.IsUnknown() {
		var h hints
		diags.Append(m.SchedulerHints.As(ctx, &h, basetypes.ObjectAsOptions{UnhandledUnknownAsEmpty: true})...)
		if w := h.wire(); len(w) > 0 {
			body["OS-SCH-HNT:scheduler_hints"] = w
		}
	}
	return body
}

func (m *model) networksWire(ctx context.Context, diags *diag.Diagnostics) any {
	ns := nics(ctx, m.Networks, diags)
	switch {
	case m.Networks.IsNull() || m.Networks.IsUnknown():
		return "auto"
	case len(ns) == 0:
		return "none"
	}
	out := []map[string]any{}
	for _, n := range ns {
		if n.named() {
			out = append(out, n.createWire())
		}
	}
	return out
}

// updateBody is what PUT /servers/{id} sends; empty if nothing differs.
func updateBody(plan, state *model, userDataWO string) map[string]any {
	body := client.UpdateBody(
		[]client.Attribute{{Wire: "name", Value: plan.Name, Update: true}, {Wire: "description", Value: plan.Description, Update: true}},
		[]client.Attribute{{Wire: "name", Value: state.Name, Update: true}, {Wire: "description", Value: state.Description, Update: true}})
	switch {
	case !plan.UserDataWOVersion.Equal(state.UserDataWOVersion) && !plan.UserDataWOVersion.IsNull():
		body["user_data"] = encode(userDataWO)
	case !plan.UserData.IsUnknown() && !plan.UserData.Equal(state.UserData) || plan.UserDataWOVersion.IsNull() && !state.UserDataWOVersion.IsNull():
		body["user_data"] = encode(plan.UserData.ValueString())
	}
	return body
}

// encode renders user data; "" is none.
func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// fill sets the model from what the API gives. What it does not give stays.
func (m *model) fill(ctx context.Context, w wire, ports []wirePort, diags *diag.Diagnostics) {
	before := nics(ctx, m.Networks, diags)
	m.ID = types.StringValue(w.ID)
	m.ProjectID = types.StringValue(w.ProjectID)
	m.Name = types.StringValue(w.Name)
	m.Description = types.StringValue(w.Description)
	if id := w.imageID(); id != m.ImageID.ValueString() {
		m.ImageID, m.ImageName = client.StringOrNull(id), types.StringNull()
	}
	m.fillFlavor(w)
	m.KeyPair = client.StringOrNull(w.KeyName)
	m.ConfigDrive = types.BoolValue(strings.EqualFold(w.ConfigDrive, "true"))
	m.Metadata = client.Map(ctx, w.Metadata, diags)
	m.Tags = client.Set(ctx, w.Tags, diags)
	m.PowerState = types.StringValue(powerState(w.Status, m.PowerState.ValueString()))
	m.fillZone(w)
	if w.Intent != nil {
		m.SchedulerHints = hintsFrom(ctx, w.Intent.Hints, diags)
	} else if m.SchedulerHints.IsUnknown() {
		m.SchedulerHints = types.ObjectNull(hintsType)
	}
	m.fillUserData(w)
	m.fillPorts(ctx, w, ports, before, diags)
}

func (m *model) fillFlavor(w wire) {
	if w.Flavor.Name == m.FlavorName.ValueString() && m.FlavorID.ValueString() != "" {
		return
	}
	m.FlavorName = client.StringOrNull(w.Flavor.Name)
	if w.Intent != nil {
		m.FlavorID = client.StringOrNull(w.Intent.FlavorID)
	} else {
		m.FlavorID = types.StringNull() // the caller looks it up
	}
}

// fillZone tells the zone as it was asked for: an administrator may ask for
// "zone:host", which the API does not give back.
func (m *model) fillZone(w wire) {
	zone := w.Zone
	if w.Intent != nil && w.Intent.Zone != "" {
		zone = w.Intent.Zone
	}
	if !strings.HasPrefix(m.AvailabilityZone.ValueString(), zone+":") {
		m.AvailabilityZone = client.StringOrNull(zone)
	}
}

// fillUserData tells user data, if it is text and not the write-only one.
func (m *model) fillUserData(w wire) {
	m.UserDataWO = types.StringNull()
	encoded := w.UserData
	if encoded == "" && w.Intent != nil {
		encoded = w.Intent.UserData
	}
	if !m.UserDataWOVersion.IsNull() || encoded == "" && w.Intent == nil {
		return
	}
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err == nil && utf8.Valid(text) {
		m.UserData = client.StringOrNull(string(text))
	}
}

func (m *model) fillPorts(ctx context.Context, w wire, ports []wirePort, before []nic, diags *diag.Diagnostics) {
	var order []string
	if w.Intent != nil {
		for _, n := range w.Intent.Networks {
			order = append(order, n.Port)
		}
	} else {
		for _, n := range before {
			order = append(order, n.PortID.ValueString())
		}
	}
	ports = inOrder(ports, order)
	cards, made := []nic{}, []wirePort{}
	m.IPv4Address, m.IPv6Address = types.StringNull(), types.StringNull()
	for _, p := range ports {
		cards = append(cards, nicOf(p, before))
		if !w.foreign(p.ID) {
			made = append(made, p)
		}
		for _, f := range p.FixedIPs {
			a, err := netip.ParseAddr(f.IPAddress)
			switch {
			case err != nil:
			case a.Is4() && m.IPv4Address.IsNull():
				m.IPv4Address = types.StringValue(f.IPAddress)
			case !a.Is4() && m.IPv6Address.IsNull():
				m.IPv6Address = types.StringValue(f.IPAddress)
			}
		}
	}
	m.Networks = nicList(cards)
	switch {
	case len(made) > 0:
		m.SecurityGroupIDs = client.Set(ctx, groupsOf(made, client.Strings(m.SecurityGroupIDs)), diags)
	case m.SecurityGroupIDs.IsUnknown():
		m.SecurityGroupIDs = types.SetNull(types.StringType) // there is no card that has them: a later one gets the default
	}
}

// powerState tells a status as a power state. One on the way to another is told
// as it was before.
func powerState(status, before string) string {
	switch status {
	case "ACTIVE", "REBOOT", "HARD_REBOOT", "PASSWORD":
		return "active"
	case "SHUTOFF":
		return "shutoff"
	case "BUILD":
		if before != "" {
			return before
		}
	}
	return strings.ToLower(status)
}

// fields are the attributes that an error of the API may point at.
var fields = client.Fields{
	"/server/imageRef":          path.Root("image_id"),
	"/server/flavorRef":         path.Root("flavor_id"),
	"/server/name":              path.Root("name"),
	"/server/description":       path.Root("description"),
	"/server/key_name":          path.Root("key_pair"),
	"/server/user_data":         path.Root("user_data"),
	"/server/metadata":          path.Root("metadata"),
	"/server/tags":              path.Root("tags"),
	"/server/config_drive":      path.Root("config_drive"),
	"/server/availability_zone": path.Root("availability_zone"),
	"/server/security_groups":   path.Root("security_group_ids"),
	"/server/networks":          path.Root("networks"),
	"/port/security_groups":     path.Root("security_group_ids"),
	"/metadata":                 path.Root("metadata"),
	"/tags":                     path.Root("tags"),
	"/interfaceAttachment":      path.Root("networks"),
	"/os:scheduler_hints":       path.Root("scheduler_hints"),

	"/OS-SCH-HNT:scheduler_hints": path.Root("scheduler_hints"),
}
