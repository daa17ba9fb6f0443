package flavor

import (
	"cmp"
	"context"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// found is the data source as Terraform keeps it.
type found struct {
	ID          types.String `tfsdk:"id"`
	Name        types.String `tfsdk:"name"`
	MinVCPUs    types.Int64  `tfsdk:"min_vcpus"`
	MinRAM      types.Int64  `tfsdk:"min_ram"`
	MinDisk     types.Int64  `tfsdk:"min_disk"`
	Description types.String `tfsdk:"description"`
	VCPUs       types.Int64  `tfsdk:"vcpus"`
	RAM         types.Int64  `tfsdk:"ram"`
	Disk        types.Int64  `tfsdk:"disk"`
	Swap        types.Int64  `tfsdk:"swap"`
	Ephemeral   types.Int64  `tfsdk:"ephemeral"`
	IsPublic    types.Bool   `tfsdk:"is_public"`
	ExtraSpecs  types.Map    `tfsdk:"extra_specs"`
}

// NewDataSource returns the data source cloudlet_flavor.
func NewDataSource() datasource.DataSource {
	return &managed.Source[found, wire]{Name: "flavor", Doc: "Finds one flavor: by name or id, or the smallest that has at least the given sizes.", Attributes: toldFlavor(),
		Find: func(ctx context.Context, c *client.Client, asked found) ([]wire, error) {
			pages, err := flavors.ListDetail(c.Compute, flavors.ListOpts{}).AllPages(ctx)
			if err != nil {
				return nil, err
			}
			var all struct {
				Flavors []wire `json:"flavors"`
			}
			err = pages.(flavors.FlavorPage).ExtractInto(&all)
			return asked.choose(all.Flavors), err
		},
		Fill: func(ctx context.Context, f *found, w wire, diags *diag.Diagnostics) {
			var m model
			m.Fill(ctx, w, diags)
			f.ID, f.Name, f.Description, f.VCPUs, f.RAM, f.Disk = m.ID, m.Name, m.Description, m.VCPUs, m.RAM, m.Disk
			f.Swap, f.Ephemeral, f.IsPublic, f.ExtraSpecs = m.Swap, m.Ephemeral, m.IsPublic, m.ExtraSpecs
		},
	}
}

func toldFlavor() map[string]schema.Attribute {
	least := func(doc string) schema.Int64Attribute {
		return schema.Int64Attribute{Optional: true, MarkdownDescription: doc, Validators: []validator.Int64{int64validator.AtLeast(0)}}
	}
	return map[string]schema.Attribute{
		"id":          managed.Asked("Id in the cloud."),
		"name":        managed.Asked("Name."),
		"min_vcpus":   least("Least number of virtual processors."),
		"min_ram":     least("Least memory in MiB."),
		"min_disk":    least("Least size of the disk in GiB."),
		"description": managed.Told("Description, for people."),
		"vcpus":       managed.ToldInt("Number of virtual processors."),
		"ram":         managed.ToldInt("Memory in MiB."),
		"disk":        managed.ToldInt("Size of the disk in GiB; 0 for as big as the image."),
		"swap":        managed.ToldInt("Size of the swap disk in MiB."),
		"ephemeral":   managed.ToldInt("Size of the second, empty disk in GiB."),
		"is_public":   managed.ToldBool("Whether all projects may use it."),
		"extra_specs": schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "What else the scheduler and the hosts are told."},
	}
}

// choose returns the flavors that are as configured; of those, if only sizes are
// configured, the smallest: least memory, then processors, then disk, then name.
func (f found) choose(all []wire) []wire {
	fit := slices.DeleteFunc(slices.Clone(all), func(w wire) bool {
		return !client.Wants(f.ID.ValueString(), w.ID) || !client.Wants(f.Name.ValueString(), w.Name) ||
			w.VCPUs < f.MinVCPUs.ValueInt64() || w.RAM < f.MinRAM.ValueInt64() || w.Disk < f.MinDisk.ValueInt64()
	})
	if len(fit) == 0 || !f.ID.IsNull() || !f.Name.IsNull() {
		return fit
	}
	return []wire{slices.MinFunc(fit, func(a, b wire) int {
		return cmp.Or(cmp.Compare(a.RAM, b.RAM), cmp.Compare(a.VCPUs, b.VCPUs), cmp.Compare(a.Disk, b.Disk), cmp.Compare(a.Name, b.Name))
	})}
}
