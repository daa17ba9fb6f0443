package flavor

import (
	"context"
	"maps"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// wire is a flavor as the API gives it, from microversion 2.75.
type wire struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	VCPUs       int64             `json:"vcpus"`
	RAM         int64             `json:"ram"`
	Disk        int64             `json:"disk"`
	Swap        int64             `json:"swap"`
	Ephemeral   int64             `json:"OS-FLV-EXT-DATA:ephemeral"`
	IsPublic    bool              `json:"os-flavor-access:is_public"`
	ExtraSpecs  map[string]string `json:"extra_specs"`
}

// model is the resource as Terraform keeps it.
type model struct {
	managed.Common
	Name        types.String `tfsdk:"name"`
	Description types.String `tfsdk:"description"`
	VCPUs       types.Int64  `tfsdk:"vcpus"`
	RAM         types.Int64  `tfsdk:"ram"`
	Disk        types.Int64  `tfsdk:"disk"`
	Swap        types.Int64  `tfsdk:"swap"`
	Ephemeral   types.Int64  `tfsdk:"ephemeral"`
	IsPublic    types.Bool   `tfsdk:"is_public"`
	ExtraSpecs  types.Map    `tfsdk:"extra_specs"`
}

// Attributes maps a field of the API to the attribute it comes from, for what
// a create sends and an update may send. Extra specs have calls of their own.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "id", Value: m.ID},
		{Wire: "name", Value: m.Name},
		{Wire: "description", Value: m.Description, Update: true},
		{Wire: "vcpus", Value: m.VCPUs},
		{Wire: "ram", Value: m.RAM},
		{Wire: "disk", Value: m.Disk},
		{Wire: "swap", Value: m.Swap},
		{Wire: "OS-FLV-EXT-DATA:ephemeral", Value: m.Ephemeral},
		{Wire: "os-flavor-access:is_public", Value: m.IsPublic},
	}
}

// createBody is what a create sends: no description is said by leaving it out.
func (m *model) createBody() map[string]any {
	body := client.CreateBody(m.Attributes())
	if body["description"] == "" {
		delete(body, "description")
	}
	return body
}

// fields are the attributes that an error of the API may point at.
var fields = client.Fields{
	"/flavor/id":                        path.Root("id"),
	"/flavor/name":                      path.Root("name"),
	"/flavor/description":               path.Root("description"),
	"/flavor/vcpus":                     path.Root("vcpus"),
	"/flavor/ram":                       path.Root("ram"),
	"/flavor/disk":                      path.Root("disk"),
	"/flavor/swap":                      path.Root("swap"),
	"/flavor/OS-FLV-EXT-DATA:ephemeral": path.Root("ephemeral"),
	"/extra_specs":                      path.Root("extra_specs"),
}

// Fill sets the model from what the API gives.
func (m *model) Fill(ctx context.Context, w wire, diags *diag.Diagnostics) {
	m.ID = types.StringValue(w.ID)
	m.Name = types.StringValue(w.Name)
	m.Description = types.StringValue(w.Description)
	m.VCPUs = types.Int64Value(w.VCPUs)
	m.RAM = types.Int64Value(w.RAM)
	m.Disk = types.Int64Value(w.Disk)
	m.Swap = types.Int64Value(w.Swap)
	m.Ephemeral = types.Int64Value(w.Ephemeral)
	m.IsPublic = types.BoolValue(w.IsPublic)
	m.ExtraSpecs = client.Map(ctx, w.ExtraSpecs, diags)
}

// setSpecs brings a flavor's extra specs from what they are to what is wanted.
func setSpecs(ctx context.Context, s *gophercloud.ServiceClient, id string, want, is map[string]string) error {
	set, unset := specChange(want, is)
	if len(set) > 0 {
		if err := flavors.CreateExtraSpecs(ctx, s, id, flavors.ExtraSpecsOpts(set)).Err; err != nil {
			return err
		}
	}
	for _, k := range unset {
		if err := flavors.DeleteExtraSpec(ctx, s, id, k).Err; err != nil && !client.NotFound(err) {
			return err
		}
	}
	return nil
}

// specChange returns what to set and which keys to unset, sorted.
func specChange(want, is map[string]string) (set map[string]string, unset []string) {
	set = maps.Clone(want)
	maps.DeleteFunc(set, func(k, v string) bool { old, ok := is[k]; return ok && old == v })
	for k := range is {
		if _, ok := want[k]; !ok {
			unset = append(unset, k)
		}
	}
	slices.Sort(unset)
	return set, unset
}
