package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// Found is what a data source's model does.
type Found[M, W any] interface {
	*M
	Key() *types.String // its id
	Query() url.Values  // of a list, for what is configured without an id
	Fill(ctx context.Context, w W, diags *diag.Diagnostics)
}

// Source is the Terraform data source of a kind: one thing, found by its id or by
// those of its attributes that are optional.
type Source[M, W any, P Found[M, W]] struct {
	client.DataSource
	Name, Plural, Doc string
	Attributes        map[string]schema.Attribute                     // without id
	Service           func(*client.Client) *gophercloud.ServiceClient // Own for what is of a user, else nil
}

// Metadata implements datasource.DataSource.
func (d *Source[M, W, P]) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + d.Name
}

// Schema implements datasource.DataSource.
func (d *Source[M, W, P]) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := map[string]schema.Attribute{"id": Sought("Id in the cloud.")}
	for name, a := range d.Attributes {
		attributes[name] = a
	}
	resp.Schema = schema.Schema{MarkdownDescription: d.Doc, Attributes: attributes}
}

// ConfigValidators implements datasource.DataSourceWithConfigValidators: an id
// says all, what is asked besides would not count.
func (d *Source[M, W, P]) ConfigValidators(context.Context) []datasource.ConfigValidator {
	any := []path.Expression{path.MatchRoot("id")}
	var all []datasource.ConfigValidator
	for _, name := range slices.Sorted(maps.Keys(d.Attributes)) {
		if d.Attributes[name].IsOptional() {
			any = append(any, path.MatchRoot(name))
			all = append(all, datasourcevalidator.Conflicting(path.MatchRoot("id"), path.MatchRoot(name)))
		}
	}
	return append(all, datasourcevalidator.AtLeastOneOf(any...))
}

// Read implements datasource.DataSource. By id it needs no right to list.
func (d *Source[M, W, P]) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m M
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	s := d.Client.Identity
	if d.Service != nil {
		s = d.Service(d.Client)
	}
	var w W
	var err error
	if id := P(&m).Key(); !id.IsNull() {
		w, err = managed.Object[W]{Name: d.Name, Path: d.Plural}.Read(ctx, s, id.ValueString())
	} else {
		var all []W
		query := P(&m).Query()
		if all, err = Find[W](ctx, s, d.Plural, query); err == nil {
			if w, err = client.One(all, strings.ReplaceAll(d.Name, "_", " ")); err != nil {
				err = fmt.Errorf("%w (%s)", err, told(query))
			}
		}
	}
	if err != nil {
		client.AddError(&resp.Diagnostics, "Cannot find the "+strings.ReplaceAll(d.Name, "_", " "), err, client.Fields{})
		return
	}
	P(&m).Fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Query is a list's query of those fields that are configured.
func Query(fields map[string]types.String) url.Values {
	q := url.Values{}
	for name, v := range fields {
		if v.ValueString() != "" {
			q.Set(name, v.ValueString())
		}
	}
	return q
}

// told returns a query as text: name "boss".
func told(q url.Values) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(q)) {
		parts = append(parts, fmt.Sprintf("%s %q", name, q.Get(name)))
	}
	return strings.Join(parts, ", ")
}

// Find lists the things of a kind that a query asks for, over all pages. With a
// deadline in ctx it returns by then.
func Find[W any](ctx context.Context, s *gophercloud.ServiceClient, plural string, query url.Values) ([]W, error) {
	var all []W
	for next := s.ServiceURL(plural) + "?" + query.Encode(); next != ""; {
		var page map[string]json.RawMessage
		resp, err := s.Get(ctx, next, &page, nil)
		if _, _, err = gophercloud.ParseResponse(resp, err); err != nil {
			return nil, err
		}
		var some []W
		var links struct {
			Next string `json:"next"`
		}
		if err := json.Unmarshal(page[plural], &some); err != nil {
			return nil, fmt.Errorf("the cloud's list is not the JSON that was expected: %w", err)
		}
		if err := json.Unmarshal(page["links"], &links); err != nil {
			return nil, fmt.Errorf("the cloud's list is not the JSON that was expected: %w", err)
		}
		all, next = append(all, some...), links.Next
	}
	return all, nil
}
