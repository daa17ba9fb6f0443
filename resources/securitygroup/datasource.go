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
	asked := func(doc string) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: doc}
	}
	return &managed.Source[found, wire]{Name: "security_group", Doc: "Finds one security group by name or id; each project has one of the name `default`.",
		Attributes: map[string]schema.Attribute{
			"id":             asked("Id in the cloud."),
			"name":           asked("Name."),
			"project_id":     asked("Id of the project that owns it."),
			"description":    schema.StringAttribute{Computed: true, MarkdownDescription: "Description, for people."},
			"default_egress": schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether it has the two rules that let all traffic out."},
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
	told := func(doc string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: doc}
	}
	number := func(doc string) schema.Int64Attribute {
		return schema.Int64Attribute{Computed: true, MarkdownDescription: doc}
	}
	return map[string]schema.Attribute{
		"direction":       told("`ingress` for traffic to the instance, `egress` for traffic from it."),
		"ethertype":       told("`IPv4` or `IPv6`."),
		"protocol":        told("Name or number of the protocol; null for any."),
		"port_min":        number("First port; with ICMP the type; null for any."),
		"port_max":        number("Last port; with ICMP the code; null for any."),
		"remote_cidr":     told("Addresses at the other end; null for any."),
		"remote_group_id": told("Id of a security group whose ports are at the other end."),
		"remote_self":     schema.BoolAttribute{Computed: true, MarkdownDescription: "`true`: ports of this group itself are at the other end."},
		"description":     told("Description, for people."),
	}
}
