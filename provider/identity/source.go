package identity

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// Found is what a data source's model does. Asked returns what it was configured
// with: an id, or the query of a list.
type Found[M, W any] interface {
	*M
	Asked() (id types.String, query url.Values)
	Fill(ctx context.Context, w W, diags *diag.Diagnostics)
}

// Source is the Terraform data source of a kind: one thing, found by id or name.
type Source[M, W any, P Found[M, W]] struct {
	client.DataSource
	Name, Plural, Doc string
	Attributes        map[string]schema.Attribute // without id and name
}

// Metadata implements datasource.DataSource.
func (d *Source[M, W, P]) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + d.Name
}

// Schema implements datasource.DataSource.
func (d *Source[M, W, P]) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := map[string]schema.Attribute{
		"id":   schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: "Id in the cloud."},
		"name": schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: "Name."},
	}
	for name, a := range d.Attributes {
		attributes[name] = a
	}
	resp.Schema = schema.Schema{MarkdownDescription: d.Doc, Attributes: attributes}
}

// ConfigValidators implements datasource.DataSourceWithConfigValidators.
func (d *Source[M, W, P]) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{datasourcevalidator.ExactlyOneOf(path.MatchRoot("id"), path.MatchRoot("name"))}
}

// Read implements datasource.DataSource. By id it needs no right to list.
func (d *Source[M, W, P]) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m M
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	var w W
	var err error
	if id, query := P(&m).Asked(); !id.IsNull() {
		w, err = read[W](ctx, d.Client.Identity, d.Name, d.Plural, id.ValueString())
	} else {
		var all []W
		if all, err = Find[W](ctx, d.Client.Identity, d.Plural, query); err == nil {
			w, err = client.One(all, d.Name)
		}
	}
	if err != nil {
		client.AddError(&resp.Diagnostics, "Cannot find the "+d.Name, err, client.Fields{})
		return
	}
	P(&m).Fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Query is a list's query of what is configured.
func Query(name, domainID types.String) url.Values {
	q := url.Values{}
	if !name.IsNull() {
		q.Set("name", name.ValueString())
	}
	if v := domainID.ValueString(); v != "" {
		q.Set("domain_id", v)
	}
	return q
}
