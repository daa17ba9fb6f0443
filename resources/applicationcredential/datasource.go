package applicationcredential

import (
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/cloudlet/cloudlet/provider/identity"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewDataSource returns the data source cloudlet_application_credential.
func NewDataSource() datasource.DataSource {
	return identity.NewSource[credential, wire, *credential](identity.Source{Name: "application_credential", Plural: "application_credentials", Service: identity.Own,
		Doc: "Finds one application credential of the provider's user: by name or id. Nobody can find its secret.",
		Attributes: map[string]schema.Attribute{
			"name":         managed.Asked("Name."),
			"description":  managed.Told("Description, for people."),
			"user_id":      managed.Told("Id of the user: the provider's."),
			"project_id":   managed.Told("Id of the project that it is for."),
			"expires_at":   managed.Told("When it ends, in UTC; null if never."),
			"unrestricted": managed.ToldBool("Whether it may make and delete application credentials and trusts itself."),
			"roles":        managed.ToldSet("Names of its roles."),
			"access_rules": schema.SetNestedAttribute{Computed: true, MarkdownDescription: "The calls that it may make; null for all.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"service": managed.Told("Type of the service."),
					"method":  managed.Told("Method."),
					"path":    managed.Told("Path."),
				}}},
		}})
}
