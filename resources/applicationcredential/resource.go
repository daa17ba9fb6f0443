package applicationcredential

import (
	"context"
	"regexp"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewResource returns cloudlet_application_credential.
func NewResource() resource.Resource {
	r := identity.New(identity.Kind[model, wire]{
		Name: "application_credential", Plural: "application_credentials", Schema: attributes(), Secrets: secret, Service: identity.Own,
		At: map[string]string{"secret": "secret_wo"},
		Doc: "An application credential: what a program authenticates with as the user of the provider, in the provider's project, without that user's password. " +
			"The secret is in no plan and no state. The API cannot change one, so every change replaces it. " +
			"Its name is unique among those of the user: to replace one without a gap, have something in the name that changes too, and `create_before_destroy`. " +
			"A provider that itself uses an application credential can make others only if that one is `unrestricted`.",
	})
	remove := r.Kind.Delete
	r.Kind.Delete = func(ctx context.Context, s *gophercloud.ServiceClient, id string) error {
		w, err := r.Kind.Read(ctx, s, id)
		if err == nil {
			err = remove(ctx, s, id)
		}
		if err == nil {
			err = forget(ctx, s, w.AccessRules)
		}
		return err
	}
	return &owned{r}
}

// forget deletes the access rules of a credential that is no more: the API keeps
// them. One that another credential has too stays.
func forget(ctx context.Context, s *gophercloud.ServiceClient, rules []ruleWire) error {
	for _, rule := range rules {
		err := managed.Object[ruleWire]{Path: "access_rules"}.Delete(ctx, s, rule.ID)
		if err != nil && !client.NotFound(err) && !gophercloud.ResponseCodeIs(err, 403) {
			return err
		}
	}
	return nil
}

// owned is the resource of what belongs to the user who calls.
type owned struct {
	*managed.Resource[model, wire, *model]
}

func attributes() map[string]schema.Attribute {
	replaced := func(a schema.StringAttribute) schema.StringAttribute {
		a.PlanModifiers = client.KeepOrReplace()
		return a
	}
	text := func(doc string, valid ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{Required: true, MarkdownDescription: doc, Validators: valid}
	}
	return map[string]schema.Attribute{
		"name":        replaced(identity.NameAttribute("Name, unique among the user's application credentials.", 255)),
		"description": replaced(client.DescriptionAttribute()),
		"user_id":     schema.StringAttribute{Computed: true, MarkdownDescription: "Id of the user: the provider's.", PlanModifiers: client.Keep()},
		"project_id":  client.ProjectIDAttribute(),
		"secret_wo": schema.StringAttribute{Required: true, WriteOnly: true, Sensitive: true, Validators: identity.Some(),
			MarkdownDescription: "The secret. It is sent when the application credential is created; to have another one change `secret_wo_version` too. A long random text is best, such as one of an ephemeral `random_password`."},
		"secret_wo_version": schema.Int64Attribute{Required: true, Validators: []validator.Int64{int64validator.AtLeast(0)},
			MarkdownDescription: "Number to change with `secret_wo`. Changing it replaces the application credential; but not after an import, whose secret is kept."},
		"expires_at": replaced(schema.StringAttribute{Optional: true, MarkdownDescription: "When it ends, in UTC, such as `2027-01-31T00:00:00Z`. Default: never.",
			Validators: []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`), "must be a time in UTC to the second, such as 2027-01-31T00:00:00Z")}}),
		"unrestricted": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false), PlanModifiers: []planmodifier.Bool{boolplanmodifier.RequiresReplace()},
			MarkdownDescription: "Whether it may make and delete application credentials and trusts itself. Default: `false`."},
		"roles": schema.SetAttribute{Optional: true, Computed: true, ElementType: types.StringType, Validators: []validator.Set{setvalidator.SizeAtLeast(1)},
			PlanModifiers:       []planmodifier.Set{setplanmodifier.UseStateForUnknown(), setplanmodifier.RequiresReplace()},
			MarkdownDescription: "Names of its roles, which the user must hold in the project. If the user loses one, it is good for nothing. Default: those that the provider's token has."},
		"access_rules": schema.SetNestedAttribute{Optional: true, PlanModifiers: []planmodifier.Set{setplanmodifier.RequiresReplace()},
			MarkdownDescription: "The calls that it may make, and no others. Default: all.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"service": text("Type of the service, such as `compute`.", stringvalidator.LengthAtLeast(1)),
				"method":  text("Method: `GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`.", stringvalidator.OneOf("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")),
				"path": text("Path, such as `/v2.1/servers/*`: `*` stands for one part, `**` for several, `{server_id}` for an id.",
					stringvalidator.LengthAtMost(128), stringvalidator.RegexMatches(regexp.MustCompile(`^/`), "must begin with a slash")),
			}}},
	}
}

// ModifyPlan implements resource.ResourceWithModifyPlan: another version of the
// secret is another credential. After an import there was none.
func (r *owned) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if !req.State.Raw.IsNull() && !r.ours(ctx, req.State, &resp.Diagnostics) {
		return
	}
	if !req.State.Raw.IsNull() && !req.Plan.Raw.IsNull() {
		at := path.Root("secret_wo_version")
		var was, will types.Int64
		resp.Diagnostics.Append(req.State.GetAttribute(ctx, at, &was)...)
		resp.Diagnostics.Append(req.Plan.GetAttribute(ctx, at, &will)...)
		if !was.IsNull() && !was.Equal(will) {
			resp.RequiresReplace = resp.RequiresReplace.Append(at)
		}
	}
	r.Resource.ModifyPlan(ctx, req, resp)
}

// Read implements resource.Resource.
func (r *owned) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	if r.ours(ctx, req.State, &resp.Diagnostics) {
		r.Resource.Read(ctx, req, resp)
	}
}

// Delete implements resource.Resource.
func (r *owned) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	if r.ours(ctx, req.State, &resp.Diagnostics) {
		r.Resource.Delete(ctx, req, resp)
	}
}

// ours reports whether the credential in the state is the caller's. Another user's
// is not found among the caller's; that does not say that it is gone.
func (r *owned) ours(ctx context.Context, state tfsdk.State, diags *diag.Diagnostics) bool {
	var user types.String
	diags.Append(state.GetAttribute(ctx, path.Root("user_id"), &user)...)
	if r.Client == nil || user.IsNull() || user.ValueString() == r.Client.UserID {
		return true
	}
	diags.AddError("The application credential is another user's", "It belongs to user "+user.ValueString()+", and the provider has authenticated as "+r.Client.UserID+
		". Users manage their own only: use that user's credentials, or take it out of the state with terraform state rm.")
	return false
}
