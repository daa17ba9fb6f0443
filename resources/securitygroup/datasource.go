package securitygroup

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
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
	ProjectID     types.String `tfsdk:"project_id"`
	Name          types.String `tfsdk:"name"`
	Description   types.String `tfsdk:"description"`
	DefaultEgress types.Bool   `tfsdk:"default_egress"`
	Rules         types.Set    `tfsdk:"rules"`
}

// NewDataSource returns the data source cloudlet_security_group.
func NewDataSource() datasource.DataSource {
	return &managed.Source[found, wire]{Name: "security_group", Doc: "Finds one security group by name or id; each project has one of the name `default`.",
		Attributes: map[string]schema.Attribute{
			"id":             managed.Asked("Id in the cloud."),
			"name":           managed.Asked("Name."),
			"project_id":     managed.Asked("Id of the project that owns it."),
			"description":    managed.Told("Description, for people."),
			"default_egress": managed.ToldBool("Whether it has the two rules that let all traffic out."),
			"rules":          schema.SetNestedAttribute{Computed: true, MarkdownDescription: "All rules, but for those that `default_egress` stands for.", NestedObject: schema.NestedAttributeObject{Attributes: toldRule()}},
		},
		Find: func(ctx context.Context, c *client.Client, asked found) ([]wire, error) {
			pages, err := groups.List(c.Network, groups.ListOpts{ID: asked.ID.ValueString(), Name: asked.Name.ValueString(), ProjectID: asked.ProjectID.ValueString()}).AllPages(ctx)
			if err != nil {
				return nil, err
			}
			var all struct {
				Groups []wire `json:"security_groups"`
			}
			err = pages.(groups.SecGroupPage).ExtractInto(&all)
			return all.Groups, err
		},
		Fill: func(ctx context.Context, f *found, w wire, diags *diag.Diagnostics) {
			var m model
			m.Fill(ctx, w, diags)
			*f = found{m.Thing, m.ProjectID, m.Name, m.Description, m.DefaultEgress, m.Rules}
		},
	}
}

func toldRule() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"direction":       managed.Told("`ingress` for traffic to the instance, `egress` for traffic from it."),
		"ethertype":       managed.Told("`IPv4` or `IPv6`."),
		"protocol":        managed.Told("Name or number of the protocol; null for any."),
		"port_min":        managed.ToldInt("First port; with ICMP the type; null for any."),
		"port_max":        managed.ToldInt("Last port; with ICMP the code; null for any."),
		"remote_cidr":     managed.Told("Addresses at the other end; null for any."),
		"remote_group_id": managed.Told("Id of a security group whose ports are at the other end."),
		"remote_self":     managed.ToldBool("`true`: ports of this group itself are at the other end."),
		"description":     managed.Told("Description, for people."),
	}
}
