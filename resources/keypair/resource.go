package keypair

import (
	"context"
	"fmt"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"golang.org/x/crypto/ssh"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewResource returns cloudlet_keypair.
func NewResource() resource.Resource {
	return &keypair{managed.New(managed.Kind[model, wire]{
		Name: "keypair", Schema: keypairSchema(), Timeout: time.Minute, Fields: fields,
		Service:  func(c *client.Client) *gophercloud.ServiceClient { return c.Compute },
		Complete: func(_ context.Context, c *managed.Change[model], _ *diag.Diagnostics) { c.Plan.ID = c.Plan.Name },
		Create:   plan,
		Read:     object.Read,
		Delete:   object.Delete,
	})}
}

type keypair struct {
	*managed.Resource[model, wire, *model]
}

var object = managed.Object[wire]{Name: "keypair", Path: "os-keypairs"}

// plan makes the keypair in a plan session.
func plan(ctx context.Context, s *gophercloud.ServiceClient, c managed.Change[model]) (wire, error) {
	key := c.Plan.PublicKey.ValueString()
	if key == "" {
		key = standInKey // made at apply
	}
	return object.Create(ctx, s, body(c.Plan.Name.ValueString(), key))
}

// standInKey stands in a plan for a key that is not known yet: a point that
// nobody has the private half of.
const standInKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA stand-in"

// Create implements resource.Resource: the key may be one that is made first, and
// one that is there already has to be the same.
func (r *keypair) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m, config model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	limit, diags := m.Timeouts.Create(ctx, r.Kind.Timeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := r.Client.Deadline(ctx, limit)
	defer cancel()
	key := m.PublicKey.ValueString()
	switch {
	case !config.PublicKeyWO.IsNull():
		key = config.PublicKeyWO.ValueString()
	case !m.PrivateKeyFile.IsNull():
		var err error
		if key, err = generate(m.PrivateKeyFile.ValueString(), m.Name.ValueString()); err != nil {
			resp.Diagnostics.AddAttributeError(path.Root("private_key_file"), "Cannot make the private key", fmt.Sprintf("%s.", err))
			return
		}
	}
	var w wire
	lost, err := client.OnceAs(ctx, m.Name.ValueString(), func(ctx context.Context, name string) (err error) {
		w, err = object.Read(ctx, r.Client.Compute, name)
		return err
	}, func(ctx context.Context) (err error) {
		w, err = object.Create(ctx, r.Client.Compute, body(m.Name.ValueString(), key))
		return err
	})
	if err == nil && !sameMaterial(w.PublicKey, key) {
		err = fmt.Errorf("there is a keypair %q already, with another key", m.Name.ValueString())
	}
	if err != nil {
		client.AddError(&resp.Diagnostics, "Cannot create the keypair", err, fields)
		if lost != "" {
			client.SaveCreated(ctx, &resp.State, &m, &resp.Diagnostics)
		}
		return
	}
	m.Fill(ctx, w, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	client.SetIdentity(ctx, resp.Identity, w.Name, &resp.Diagnostics)
}

func keypairSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "An SSH key that instances let in: a public key of yours, or one that the provider makes. A private key is never in the plan or the state. " +
			"The API cannot change a keypair, so every change replaces it; instances made with the old one keep it.",
		Attributes: map[string]schema.Attribute{
			"user_id": schema.StringAttribute{Computed: true, PlanModifiers: client.Keep(), MarkdownDescription: "Id of the user that owns it."},
			"name":    schema.StringAttribute{Required: true, PlanModifiers: client.KeepOrReplace(), MarkdownDescription: "Name, unique among the user's keypairs.", Validators: []validator.String{stringvalidator.LengthBetween(1, 255)}},
			"public_key": schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: client.KeepOrReplace(), MarkdownDescription: "The public key, a line as in `authorized_keys`.",
				Validators: []validator.String{publicKey{}, stringvalidator.ExactlyOneOf(path.MatchRoot("public_key"), path.MatchRoot("public_key_wo"), path.MatchRoot("private_key_file"))}},
			"public_key_wo": schema.StringAttribute{Optional: true, WriteOnly: true, MarkdownDescription: "The public key, from an ephemeral resource. It is sent when the keypair is created; to send another one change `public_key_wo_version`.",
				Validators: []validator.String{publicKey{}, stringvalidator.AlsoRequires(path.MatchRoot("public_key_wo_version"))}},
			"public_key_wo_version": schema.Int64Attribute{Optional: true, PlanModifiers: []planmodifier.Int64{int64planmodifier.RequiresReplace()}, MarkdownDescription: "Number to change with `public_key_wo`.",
				Validators: []validator.Int64{int64validator.AlsoRequires(path.MatchRoot("public_key_wo"))}},
			"private_key_file": schema.StringAttribute{Optional: true, PlanModifiers: client.KeepOrReplace(), Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
				MarkdownDescription: "File that the private key is written to, with mode 0600, when the provider makes an Ed25519 key. A private key that is there already is used. The file stays when the keypair is destroyed."},
			"fingerprint": schema.StringAttribute{Computed: true, PlanModifiers: client.Keep(), MarkdownDescription: "MD5 fingerprint of the public key."},
		},
	}
}

// publicKey is a validator: a line of authorized_keys.
type publicKey struct{}

// Description implements validator.String.
func (publicKey) Description(context.Context) string {
	return "must be a public key as in authorized_keys"
}

// MarkdownDescription implements validator.String.
func (p publicKey) MarkdownDescription(ctx context.Context) string { return p.Description(ctx) }

// ValidateString implements validator.String.
func (publicKey) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if _, _, _, _, err := ssh.ParseAuthorizedKey([]byte(req.ConfigValue.ValueString())); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Wrong public key", `A public key is a line such as "ssh-ed25519 AAAAC3… name", as ssh-keygen writes it to a file that ends in .pub.`)
	}
}
