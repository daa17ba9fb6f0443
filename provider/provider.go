package provider

import (
	"context"
	"os"

	"github.com/hashicorp/terraform-plugin-framework-validators/providervalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	tfaddr "github.com/hashicorp/terraform-registry-address"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/resources/applicationcredential"
	"github.com/cloudlet/cloudlet/resources/authscope"
	"github.com/cloudlet/cloudlet/resources/availabilityzones"
	"github.com/cloudlet/cloudlet/resources/domain"
	"github.com/cloudlet/cloudlet/resources/endpoint"
	"github.com/cloudlet/cloudlet/resources/flavor"
	"github.com/cloudlet/cloudlet/resources/group"
	"github.com/cloudlet/cloudlet/resources/groupmembership"
	"github.com/cloudlet/cloudlet/resources/image"
	"github.com/cloudlet/cloudlet/resources/imagemember"
	"github.com/cloudlet/cloudlet/resources/instance"
	"github.com/cloudlet/cloudlet/resources/keypair"
	"github.com/cloudlet/cloudlet/resources/limit"
	"github.com/cloudlet/cloudlet/resources/network"
	"github.com/cloudlet/cloudlet/resources/port"
	"github.com/cloudlet/cloudlet/resources/project"
	"github.com/cloudlet/cloudlet/resources/quota"
	"github.com/cloudlet/cloudlet/resources/region"
	"github.com/cloudlet/cloudlet/resources/registeredlimit"
	"github.com/cloudlet/cloudlet/resources/role"
	"github.com/cloudlet/cloudlet/resources/roleassignment"
	"github.com/cloudlet/cloudlet/resources/securitygroup"
	"github.com/cloudlet/cloudlet/resources/service"
	"github.com/cloudlet/cloudlet/resources/subnet"
	"github.com/cloudlet/cloudlet/resources/token"
	"github.com/cloudlet/cloudlet/resources/user"
)

// Address is the provider's full source address: what the configuration's
// source "cloudlet/cloudlet" means.
var Address = tfaddr.Provider{Hostname: tfaddr.DefaultProviderRegistryHost, Namespace: "cloudlet", Type: "cloudlet"}.String()

// New returns a constructor of the provider, as terraform-plugin-framework
// wants it. version is told to the cloud in the User-Agent header.
func New(version string) func() provider.Provider {
	return func() provider.Provider { return &cloudlet{version: version} }
}

type cloudlet struct{ version string }

type model struct {
	Cloud                       types.String `tfsdk:"cloud"`
	AuthURL                     types.String `tfsdk:"auth_url"`
	Region                      types.String `tfsdk:"region"`
	UserName                    types.String `tfsdk:"user_name"`
	UserID                      types.String `tfsdk:"user_id"`
	Password                    types.String `tfsdk:"password"`
	UserDomainName              types.String `tfsdk:"user_domain_name"`
	UserDomainID                types.String `tfsdk:"user_domain_id"`
	ProjectName                 types.String `tfsdk:"project_name"`
	ProjectID                   types.String `tfsdk:"project_id"`
	ProjectDomainName           types.String `tfsdk:"project_domain_name"`
	ProjectDomainID             types.String `tfsdk:"project_domain_id"`
	DomainName                  types.String `tfsdk:"domain_name"`
	DomainID                    types.String `tfsdk:"domain_id"`
	System                      types.Bool   `tfsdk:"system"`
	Token                       types.String `tfsdk:"token"`
	ApplicationCredentialID     types.String `tfsdk:"application_credential_id"`
	ApplicationCredentialSecret types.String `tfsdk:"application_credential_secret"`
	CACertFile                  types.String `tfsdk:"cacert_file"`
	Insecure                    types.Bool   `tfsdk:"insecure"`
}

// Metadata implements provider.Provider.
func (p *cloudlet) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName, resp.Version = "cloudlet", p.version
}

// Schema implements provider.Provider.
func (p *cloudlet) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	str := func(doc string) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: doc}
	}
	secret := func(doc string) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, Sensitive: true, MarkdownDescription: doc}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Drives a Cloudlet cloud, or any OpenStack. Credentials are found where OpenStack's own clients find them: " +
			"attributes here, then the cloud named by `cloud` or `OS_CLOUD` in `clouds.yaml`, then the `OS_*` environment. " +
			"A token or an application credential takes the place of a password that is found later, and of what it would work in.",
		Attributes: map[string]schema.Attribute{
			"cloud":                         str("Name of a cloud in `clouds.yaml`. Default: `OS_CLOUD`."),
			"auth_url":                      str("URL of the identity API, such as `http://127.0.0.1:5000/identity/v3`. Default: `OS_AUTH_URL`."),
			"region":                        str("Region whose endpoints are used. Default: `OS_REGION_NAME`."),
			"user_name":                     str("Name of the user. Default: `OS_USERNAME`."),
			"user_id":                       str("Id of the user, instead of its name. Default: `OS_USER_ID`."),
			"password":                      secret("Password of the user. Default: `OS_PASSWORD`."),
			"user_domain_name":              str("Name of the user's domain. Default: `OS_USER_DOMAIN_NAME`."),
			"user_domain_id":                str("Id of the user's domain. Default: `OS_USER_DOMAIN_ID`, then `default`."),
			"project_name":                  str("Name of the project to work in. Default: `OS_PROJECT_NAME`."),
			"project_id":                    str("Id of the project, instead of its name. Default: `OS_PROJECT_ID`."),
			"project_domain_name":           str("Name of the project's domain. Default: `OS_PROJECT_DOMAIN_NAME`."),
			"project_domain_id":             str("Id of the project's domain. Default: `OS_PROJECT_DOMAIN_ID`, then `default`."),
			"domain_id":                     str("Id of the domain to work in, instead of a project. Default: `OS_DOMAIN_ID`."),
			"domain_name":                   str("Name of the domain to work in, instead of a project. Default: `OS_DOMAIN_NAME`."),
			"system":                        schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether to work in the whole system, instead of in a project. Default: whether `OS_SYSTEM_SCOPE` is `all`."},
			"token":                         secret("A token instead of a password. Default: `OS_TOKEN`."),
			"application_credential_id":     str("Id of an application credential. Default: `OS_APPLICATION_CREDENTIAL_ID`, then the one of the user that `OS_APPLICATION_CREDENTIAL_NAME` names."),
			"application_credential_secret": secret("Secret of the application credential. Default: `OS_APPLICATION_CREDENTIAL_SECRET`."),
			"cacert_file":                   str("File with the PEM certificates that the endpoints are verified with. Default: `OS_CACERT`."),
			"insecure":                      schema.BoolAttribute{Optional: true, MarkdownDescription: "Do not verify the endpoints' certificates. Default: `OS_INSECURE`."},
		},
	}
}

// ConfigValidators implements provider.ProviderWithConfigValidators: nothing works
// in two places.
func (p *cloudlet) ConfigValidators(context.Context) []provider.ConfigValidator {
	var scopes []path.Expression
	for _, name := range []string{"project_id", "project_name", "domain_id", "domain_name", "system"} {
		scopes = append(scopes, path.MatchRoot(name))
	}
	return []provider.ConfigValidator{providervalidator.Conflicting(scopes...)}
}

// Configure implements provider.Provider: it authenticates, so that wrong
// credentials show before anything is planned.
func (p *cloudlet) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	var given map[string]tftypes.Value
	if err := req.Config.Raw.As(&given); err != nil {
		resp.Diagnostics.AddError("Cannot read the provider's configuration", err.Error())
		return
	}
	for name, v := range given {
		if !v.IsKnown() {
			resp.Diagnostics.AddAttributeError(path.Root(name), "Value is not known yet",
				"The provider must know how to reach the cloud when it plans. Give a literal value or a variable, or apply the resource that makes this value first with -target.")
		}
	}
	if resp.Diagnostics.HasError() {
		return
	}
	c, err := client.New(ctx, client.Config{
		Cloud: m.Cloud.ValueString(), AuthURL: m.AuthURL.ValueString(), Region: m.Region.ValueString(),
		UserName: m.UserName.ValueString(), UserID: m.UserID.ValueString(), Password: m.Password.ValueString(),
		UserDomainName: m.UserDomainName.ValueString(), UserDomainID: m.UserDomainID.ValueString(),
		ProjectName: m.ProjectName.ValueString(), ProjectID: m.ProjectID.ValueString(),
		ProjectDomainName: m.ProjectDomainName.ValueString(), ProjectDomainID: m.ProjectDomainID.ValueString(),
		DomainName: m.DomainName.ValueString(), DomainID: m.DomainID.ValueString(), System: m.System.ValueBool(),
		Token: m.Token.ValueString(), ApplicationCredentialID: m.ApplicationCredentialID.ValueString(),
		ApplicationCredential: m.ApplicationCredentialSecret.ValueString(),
		CACertFile:            m.CACertFile.ValueString(), Insecure: m.Insecure.ValueBool(),
		UserAgent: "terraform-provider-cloudlet/" + p.version + " terraform/" + os.Getenv("TF_APPEND_USER_AGENT"),
	})
	if err != nil {
		resp.Diagnostics.AddError("Cannot reach the cloud", err.Error())
		return
	}
	resp.ResourceData, resp.DataSourceData, resp.EphemeralResourceData = c, c, c
}

// Resources implements provider.Provider.
func (p *cloudlet) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		applicationcredential.NewResource,
		domain.NewResource,
		endpoint.NewResource,
		flavor.NewResource,
		group.NewResource,
		groupmembership.NewResource,
		image.NewResource,
		imagemember.NewResource,
		instance.NewResource,
		keypair.NewResource,
		limit.NewResource,
		network.NewResource,
		port.NewResource,
		project.NewResource,
		quota.NewResource,
		region.NewResource,
		registeredlimit.NewResource,
		role.NewResource,
		roleassignment.NewResource,
		securitygroup.NewResource,
		service.NewResource,
		subnet.NewResource,
		user.NewResource,
	}
}

// DataSources implements provider.Provider.
func (p *cloudlet) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		applicationcredential.NewDataSource,
		authscope.NewDataSource,
		availabilityzones.NewDataSource,
		domain.NewDataSource,
		endpoint.NewDataSource,
		flavor.NewDataSource,
		group.NewDataSource,
		image.NewDataSource,
		instance.NewDataSource,
		keypair.NewDataSource,
		limit.NewDataSource,
		network.NewDataSource,
		port.NewDataSource,
		project.NewDataSource,
		quota.NewDataSource,
		region.NewDataSource,
		registeredlimit.NewDataSource,
		role.NewDataSource,
		roleassignment.NewDataSource,
		securitygroup.NewDataSource,
		service.NewDataSource,
		subnet.NewDataSource,
		user.NewDataSource,
	}
}

// EphemeralResources implements provider.ProviderWithEphemeralResources.
func (p *cloudlet) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{
		token.NewEphemeralResource,
	}
}
