package availabilityzones

import (
	"context"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/availabilityzones"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// NewDataSource returns the data source cloudlet_availability_zones.
func NewDataSource() datasource.DataSource { return &source{} }

type source struct{ client.DataSource }

// found is the data source as Terraform keeps it.
type found struct {
	State types.String `tfsdk:"state"`
	Names types.List   `tfsdk:"names"`
}

// Metadata implements datasource.DataSource.
func (d *source) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_availability_zones"
}

// Schema implements datasource.DataSource.
func (d *source) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The availability zones that instances can be placed in.",
		Attributes: map[string]schema.Attribute{
			"state": schema.StringAttribute{Optional: true, Validators: []validator.String{stringvalidator.OneOf("available", "unavailable")},
				MarkdownDescription: "`available` for zones with a host that takes instances, `unavailable` for the others. Default: `available`."},
			"names": schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Names of the zones, sorted."},
		},
	}
}

// Read implements datasource.DataSource.
func (d *source) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var f found
	resp.Diagnostics.Append(req.Config.Get(ctx, &f)...)
	if resp.Diagnostics.HasError() {
		return
	}
	pages, err := availabilityzones.List(d.Client.Compute).AllPages(ctx)
	var all []availabilityzones.AvailabilityZone
	if err == nil {
		all, err = availabilityzones.ExtractAvailabilityZones(pages)
	}
	if err != nil {
		client.AddError(&resp.Diagnostics, "Cannot read the availability zones", err, nil)
		return
	}
	names := []string{}
	for _, z := range all {
		if z.ZoneState.Available == (f.State.ValueString() != "unavailable") {
			names = append(names, z.ZoneName)
		}
	}
	slices.Sort(names)
	f.Names = client.List(ctx, names, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &f)...)
}
