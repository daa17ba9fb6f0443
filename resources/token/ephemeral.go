package token

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/hashicorp/terraform-plugin-framework-validators/ephemeralvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// NewEphemeralResource returns the ephemeral resource cloudlet_token.
func NewEphemeralResource() ephemeral.EphemeralResource { return &token{} }

type token struct{ client.Ephemeral }

// model is the token as Terraform holds it.
type model struct {
	ProjectID       types.String `tfsdk:"project_id"`
	ProjectName     types.String `tfsdk:"project_name"`
	ProjectDomainID types.String `tfsdk:"project_domain_id"`
	DomainID        types.String `tfsdk:"domain_id"`
	DomainName      types.String `tfsdk:"domain_name"`
	System          types.Bool   `tfsdk:"system"`
	Token           types.String `tfsdk:"token"`
	ExpiresAt       types.String `tfsdk:"expires_at"`
	UserID          types.String `tfsdk:"user_id"`
	Roles           types.Set    `tfsdk:"roles"`
}

// Metadata implements ephemeral.EphemeralResource.
func (e *token) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_token"
}

// Schema implements ephemeral.EphemeralResource.
func (e *token) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	some := []validator.String{stringvalidator.LengthAtLeast(1)}
	scope := func(doc string) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, Computed: true, Validators: some, MarkdownDescription: doc}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A token of the identity API, got with the provider's credentials. It is in no state and no plan. Terraform gets a new one in each plan and each apply that needs it, and revokes it at the end. " +
			"It cannot be renewed: it lives as long as the cloud lets tokens live, which bounds what is done with it in one apply. With no scope given it is for what the provider works in.",
		Attributes: map[string]schema.Attribute{
			"project_id":        scope("Id of the project that it is for; null if it is for none."),
			"project_name":      scope("Name of the project, instead of its id."),
			"project_domain_id": schema.StringAttribute{Optional: true, Validators: append(some, stringvalidator.AlsoRequires(path.MatchRoot("project_name"))), MarkdownDescription: "Id of the domain of the project that is named. Default: `default`."},
			"domain_id":         scope("Id of the domain that it is for; null if it is for none."),
			"domain_name":       scope("Name of the domain, instead of its id."),
			"system":            schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether it is for the whole cloud. Default: `false`."},
			"token":             schema.StringAttribute{Computed: true, Sensitive: true, MarkdownDescription: "The token, as in the header `X-Auth-Token`."},
			"expires_at":        schema.StringAttribute{Computed: true, MarkdownDescription: "When it ends by itself, in UTC: `2026-01-02T15:04:05Z`."},
			"user_id":           schema.StringAttribute{Computed: true, MarkdownDescription: "Id of the user whose it is."},
			"roles":             schema.SetAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Names of the roles that it gives."},
		},
	}
}

// ConfigValidators implements ephemeral.EphemeralResourceWithConfigValidators.
func (e *token) ConfigValidators(context.Context) []ephemeral.ConfigValidator {
	return []ephemeral.ConfigValidator{ephemeralvalidator.Conflicting(path.MatchRoot("project_id"), path.MatchRoot("project_name"),
		path.MatchRoot("domain_id"), path.MatchRoot("domain_name"), path.MatchRoot("system"))}
}

// scope is what is configured, and the attribute that says it.
func (m model) scope() (s gophercloud.AuthScope, at path.Path, given bool) {
	s = gophercloud.AuthScope{ProjectID: m.ProjectID.ValueString(), ProjectName: m.ProjectName.ValueString(), DomainID: m.DomainID.ValueString(),
		DomainName: m.DomainName.ValueString(), System: m.System.ValueBool()}
	for name, v := range map[string]bool{"project_id": s.ProjectID != "", "project_name": s.ProjectName != "", "domain_id": s.DomainID != "", "domain_name": s.DomainName != "", "system": s.System} {
		if v {
			at, given = path.Root(name), true
		}
	}
	if s.ProjectName != "" {
		s.DomainID = "default"
		if !m.ProjectDomainID.IsNull() {
			s.DomainID = m.ProjectDomainID.ValueString()
		}
	}
	return s, at, given
}

// Open implements ephemeral.EphemeralResource.
func (e *token) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	scope, at, given := m.scope()
	got, err := e.Client.Token(ctx, scope)
	var id string
	if err == nil {
		id, err = got.ExtractTokenID()
	}
	if err != nil {
		fields := client.Fields{}
		if given {
			fields[""] = at
		}
		client.AddError(&resp.Diagnostics, "Cannot get a token", err, fields)
		return
	}
	m.Token = types.StringValue(id)
	kept, err := json.Marshal(id)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, "token", kept)...) // in memory, for Close
	if err == nil {
		err = m.fill(ctx, got, &resp.Diagnostics)
	}
	if err != nil {
		client.AddError(&resp.Diagnostics, "Cannot read the token", errors.Join(err, e.Client.Revoke(ctx, id)), nil)
		return
	}
	resp.Diagnostics.Append(resp.Result.Set(ctx, &m)...)
}

// wire is what the API tells of a token.
type wire struct {
	ExpiresAt time.Time `json:"expires_at"`
	User      named     `json:"user"`
	Project   named     `json:"project"`
	Domain    named     `json:"domain"`
	Roles     []named   `json:"roles"`
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// fill sets what the API tells of the token.
func (m *model) fill(ctx context.Context, got tokens.CreateResult, diags *diag.Diagnostics) error {
	var w wire
	if err := got.ExtractInto(&w); err != nil {
		return err
	}
	m.ExpiresAt, m.UserID = types.StringValue(w.ExpiresAt.UTC().Format(time.RFC3339)), types.StringValue(w.User.ID)
	m.ProjectID, m.ProjectName = client.StringOrNull(w.Project.ID), client.StringOrNull(w.Project.Name)
	m.DomainID, m.DomainName = client.StringOrNull(w.Domain.ID), client.StringOrNull(w.Domain.Name)
	roles := make([]string, len(w.Roles))
	for n, r := range w.Roles {
		roles[n] = r.Name
	}
	m.Roles = client.Set(ctx, roles, diags)
	return nil
}

// Close implements ephemeral.EphemeralResourceWithClose.
func (e *token) Close(ctx context.Context, req ephemeral.CloseRequest, resp *ephemeral.CloseResponse) {
	kept, diags := req.Private.GetKey(ctx, "token")
	resp.Diagnostics.Append(diags...)
	var id string
	if len(kept) == 0 || json.Unmarshal(kept, &id) != nil {
		return
	}
	if err := e.Client.Revoke(ctx, id); err != nil {
		client.AddError(&resp.Diagnostics, "Cannot revoke the token", err, nil)
	}
}
