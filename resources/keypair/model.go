package keypair

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// wire is a keypair as the API gives it.
type wire struct {
	Name        string `json:"name"`
	PublicKey   string `json:"public_key"`
	Fingerprint string `json:"fingerprint"`
	Type        string `json:"type"`
	UserID      string `json:"user_id"`
}

// options is the body of a create.
type options map[string]any

// ToKeyPairCreateMap implements keypairs.CreateOptsBuilder.
func (o options) ToKeyPairCreateMap() (map[string]any, error) {
	return map[string]any{"keypair": o}, nil
}

// model is the resource as Terraform keeps it.
type model struct {
	ID                 types.String   `tfsdk:"id"`
	Name               types.String   `tfsdk:"name"`
	PublicKey          types.String   `tfsdk:"public_key"`
	PublicKeyWO        types.String   `tfsdk:"public_key_wo"`
	PublicKeyWOVersion types.Int64    `tfsdk:"public_key_wo_version"`
	PrivateKeyFile     types.String   `tfsdk:"private_key_file"`
	Fingerprint        types.String   `tfsdk:"fingerprint"`
	UserID             types.String   `tfsdk:"user_id"`
	Timeouts           timeouts.Value `tfsdk:"timeouts"`
}

func body(name, publicKey string) options {
	return options{"name": name, "type": "ssh", "public_key": publicKey}
}

// fields are the attributes that an error of the API may point at.
var fields = client.Fields{
	"/keypair/name":       path.Root("name"),
	"/keypair/public_key": path.Root("public_key"),
}

// fill sets the model from what the API gives. The public key keeps the spelling
// that it had.
func (m *model) fill(w wire) {
	m.ID = types.StringValue(w.Name)
	m.Name = types.StringValue(w.Name)
	m.Fingerprint = types.StringValue(w.Fingerprint)
	m.UserID = client.StringOrNull(w.UserID)
	if m.PublicKey.IsUnknown() || !sameKey(m.PublicKey.ValueString(), w.PublicKey) {
		m.PublicKey = types.StringValue(w.PublicKey)
	}
	m.PublicKeyWO = types.StringNull()
}

func get(ctx context.Context, s *gophercloud.ServiceClient, name string) (w wire, err error) {
	err = keypairs.Get(ctx, s, name, keypairs.GetOpts{}).ExtractIntoStructPtr(&w, "keypair")
	return w, err
}

func addError(diags *diag.Diagnostics, summary string, err error) {
	client.AddError(diags, summary, err, fields)
}
