package quota

import (
	"cmp"
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// NewDataSource returns the data source cloudlet_quota.
func NewDataSource() datasource.DataSource { return &source{} }

type source struct{ client.DataSource }

// found is the data source as Terraform keeps it.
type found struct {
	ID        types.String `tfsdk:"id"`
	ProjectID types.String `tfsdk:"project_id"`
	Used      limits       `tfsdk:"used"`
	limits
}

// Metadata implements datasource.DataSource.
func (d *source) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_quota"
}

// Schema implements datasource.DataSource.
func (d *source) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	as, used := map[string]schema.Attribute{}, map[string]schema.Attribute{}
	for _, l := range new(limits).all() {
		as[l.name] = schema.Int64Attribute{Computed: true, MarkdownDescription: "Most " + l.doc + "; -1 for no limit, null if the cloud does not tell."}
		used[l.name] = schema.Int64Attribute{Computed: true, MarkdownDescription: "Used: " + l.doc + "."}
	}
	as["id"] = schema.StringAttribute{Computed: true, MarkdownDescription: "Id of the project."}
	as["project_id"] = schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: "Id of the project. Default: the one that the provider works in."}
	as["used"] = schema.SingleNestedAttribute{Computed: true, Attributes: used, MarkdownDescription: "How much of each the project has; 0 for what is not counted in a project, null if the cloud does not tell."}
	resp.Schema = schema.Schema{MarkdownDescription: "How much a project may have, and has.", Attributes: as}
}

// Read implements datasource.DataSource.
func (d *source) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var f found
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("project_id"), &f.ProjectID)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id := cmp.Or(f.ProjectID.ValueString(), d.Client.Scope.ProjectID)
	if id == "" {
		resp.Diagnostics.AddAttributeError(path.Root("project_id"), "No project", "The provider works in no project; say which one is meant.")
		return
	}
	ss := beside(ctx, d.Client, d.Client.Compute)
	w, err := ss.get(ctx, id)
	if err == nil {
		err = ss.usage(ctx, &w)
	}
	if err != nil {
		client.AddError(&resp.Diagnostics, "Cannot read the quota", client.At("/project_id", err), fields)
		return
	}
	f.ID, f.ProjectID = types.StringValue(id), types.StringValue(id)
	tell(f.compute(), w.Compute)
	tell(f.network(), w.Network)
	tell(f.Used.compute(), w.ComputeUsed)
	tell(f.Used.network(), w.NetworkUsed)
	resp.Diagnostics.Append(resp.State.Set(ctx, &f)...)
}
