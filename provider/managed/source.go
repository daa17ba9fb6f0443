package managed

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"

	"github.com/cloudlet/cloudlet/provider/client"
)

// Source is the Terraform data source of a kind of thing: F is Terraform's model of
// it, W the thing as the API gives it. It finds the one thing that is as configured.
type Source[F, W any] struct {
	client.DataSource
	Name       string                      // Terraform's type without the provider's name
	Doc        string                      // in Markdown
	Attributes map[string]schema.Attribute // one of those that are optional must be given
	Find       func(ctx context.Context, c *client.Client, asked F) ([]W, error)
	Fill       func(ctx context.Context, f *F, w W, diags *diag.Diagnostics)
}

// Metadata implements datasource.DataSource.
func (d *Source[F, W]) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + d.Name
}

// Schema implements datasource.DataSource.
func (d *Source[F, W]) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{MarkdownDescription: d.Doc, Attributes: d.Attributes}
}

// ConfigValidators implements datasource.DataSourceWithConfigValidators.
func (d *Source[F, W]) ConfigValidators(context.Context) []datasource.ConfigValidator {
	var any []path.Expression
	for _, name := range slices.Sorted(maps.Keys(d.Attributes)) {
		switch a := d.Attributes[name]; {
		case a.IsRequired():
			return nil
		case a.IsOptional():
			any = append(any, path.MatchRoot(name))
		}
	}
	return []datasource.ConfigValidator{datasourcevalidator.AtLeastOneOf(any...)}
}

// Read implements datasource.DataSource.
func (d *Source[F, W]) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var f F
	resp.Diagnostics.Append(req.Config.Get(ctx, &f)...)
	if resp.Diagnostics.HasError() {
		return
	}
	title := strings.ReplaceAll(d.Name, "_", " ")
	var w W
	all, err := d.Find(ctx, d.Client, f)
	if err == nil {
		if w, err = client.One(all, title); err != nil {
			err = fmt.Errorf("%w (%s)", err, d.asked(ctx, req.Config))
		}
	}
	if err != nil {
		client.AddError(&resp.Diagnostics, "Cannot find the "+title, err, nil)
		return
	}
	d.Fill(ctx, &f, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &f)...)
}

// asked tells what is configured: name "boss".
func (d *Source[F, W]) asked(ctx context.Context, config tfsdk.Config) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(d.Attributes)) {
		var v attr.Value
		if diags := config.GetAttribute(ctx, path.Root(name), &v); !diags.HasError() && !v.IsNull() {
			parts = append(parts, name+" "+v.String())
		}
	}
	return strings.Join(parts, ", ")
}
