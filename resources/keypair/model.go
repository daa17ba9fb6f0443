package keypair

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// wire is a keypair as the API gives it.
type wire struct {
	Name        string `json:"name"`
	PublicKey   string `json:"public_key"`
	Fingerprint string `json:"fingerprint"`
	Type        string `json:"type"`
	UserID      string `json:"user_id"`
}

// model is the resource as Terraform keeps it.
type model struct {
	managed.Common
	Name               types.String `tfsdk:"name"`
	PublicKey          types.String `tfsdk:"public_key"`
	PublicKeyWO        types.String `tfsdk:"public_key_wo"`
	PublicKeyWOVersion types.Int64  `tfsdk:"public_key_wo_version"`
	PrivateKeyFile     types.String `tfsdk:"private_key_file"`
	Fingerprint        types.String `tfsdk:"fingerprint"`
	UserID             types.String `tfsdk:"user_id"`
}

func body(name, publicKey string) map[string]any {
	return map[string]any{"name": name, "type": "ssh", "public_key": publicKey}
}

// fields are the attributes that an error of the API may point at.
var fields = client.Fields{
	"/keypair/name":       path.Root("name"),
	"/keypair/public_key": path.Root("public_key"),
}

// Attributes tells what a change of replaces the keypair.
func (m *model) Attributes() []client.Attribute {
	return []client.Attribute{{Wire: "name", Value: m.Name}, {Wire: "public_key", Value: m.PublicKey}, {Value: m.PublicKeyWOVersion}, {Value: m.PrivateKeyFile}}
}

// Fill sets the model from what the API gives. The public key keeps the spelling
// that it had.
func (m *model) Fill(_ context.Context, w wire, _ *diag.Diagnostics) {
	m.ID = types.StringValue(w.Name)
	m.Name = types.StringValue(w.Name)
	m.Fingerprint = types.StringValue(w.Fingerprint)
	m.UserID = client.StringOrNull(w.UserID)
	if m.PublicKey.IsUnknown() || !sameKey(m.PublicKey.ValueString(), w.PublicKey) {
		m.PublicKey = types.StringValue(w.PublicKey)
	}
	m.PublicKeyWO = types.StringNull()
}
