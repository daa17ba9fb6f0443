package keypair

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// found is the data source as Terraform keeps it.
type found struct {
	managed.Thing
	Name        types.String `tfsdk:"name"`
	UserID      types.String `tfsdk:"user_id"`
	PublicKey   types.String `tfsdk:"public_key"`
	Fingerprint types.String `tfsdk:"fingerprint"`
}

// NewDataSource returns the data source cloudlet_keypair.
func NewDataSource() datasource.DataSource {
	return &managed.Source[found, wire]{Name: "keypair", Doc: "Finds one keypair of the user by its name.",
		Attributes: map[string]schema.Attribute{
			"id":          managed.Told("Id in the cloud: the name."),
			"name":        schema.StringAttribute{Required: true, MarkdownDescription: "Name."},
			"user_id":     managed.Asked("Id of the user whose it is. Default: the one that the provider works as; another is for administrators."),
			"public_key":  managed.Told("The public key, as in `authorized_keys`."),
			"fingerprint": managed.Told("MD5 fingerprint of the public key."),
		},
		Find: func(ctx context.Context, c *client.Client, asked found) ([]wire, error) {
			var w wire
			err := keypairs.Get(ctx, c.Compute, asked.Name.ValueString(), keypairs.GetOpts{UserID: asked.UserID.ValueString()}).ExtractIntoStructPtr(&w, "keypair")
			if client.NotFound(err) {
				return nil, nil
			}
			return []wire{w}, err
		},
		Fill: func(ctx context.Context, f *found, w wire, diags *diag.Diagnostics) {
			var m model
			m.Fill(ctx, w, diags)
			*f = found{m.Thing, m.Name, m.UserID, m.PublicKey, m.Fingerprint}
		},
	}
}
