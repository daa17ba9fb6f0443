package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"

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

// Source is how one thing of a kind is found: by its id, or by those of its attributes
// that are optional.
type Source struct {
	Name, Plural, Doc string
	Attributes        map[string]schema.Attribute                     // without id
	Service           func(*client.Client) *gophercloud.ServiceClient // Own for what is of a user, else nil
}

// NewSource returns the data source of a kind: M is Terraform's model of it, W the thing
// as the API gives it. By id it needs no right to list.
func NewSource[M, W any, P Found[M, W]](k Source) datasource.DataSource {
	service := k.Service
	if service == nil {
		service = Service
	}
	attributes := map[string]schema.Attribute{"id": managed.Asked("Id in the cloud.")}
	maps.Copy(attributes, k.Attributes)
	return &source[M, W]{managed.Source[M, W]{Name: k.Name, Doc: k.Doc, Attributes: attributes,
		Find: func(ctx context.Context, c *client.Client, asked M) ([]W, error) {
			if id := P(&asked).Key(); !id.IsNull() {
				w, err := managed.Object[W]{Name: k.Name, Path: k.Plural}.Read(ctx, service(c), id.ValueString())
				return []W{w}, err
			}
			return Find[W](ctx, service(c), k.Plural, P(&asked).Query())
		},
		Fill: func(ctx context.Context, m *M, w W, diags *diag.Diagnostics) { P(m).Fill(ctx, w, diags) },
	}}
}

type source[M, W any] struct{ managed.Source[M, W] }

// ConfigValidators implements datasource.DataSourceWithConfigValidators: an id says
// all, what is asked besides would not count.
func (d *source[M, W]) ConfigValidators(ctx context.Context) []datasource.ConfigValidator {
	all := d.Source.ConfigValidators(ctx)
	for name, a := range d.Attributes {
		if name != "id" && a.IsOptional() {
			all = append(all, datasourcevalidator.Conflicting(path.MatchRoot("id"), path.MatchRoot(name)))
		}
	}
	return all
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
