package instance

import (
	"context"
	"errors"
	"regexp"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// found is the data source as Terraform keeps it.
type found struct {
	ID               types.String `tfsdk:"id"`
	ProjectID        types.String `tfsdk:"project_id"`
	Name             types.String `tfsdk:"name"`
	Description      types.String `tfsdk:"description"`
	ImageID          types.String `tfsdk:"image_id"`
	FlavorID         types.String `tfsdk:"flavor_id"`
	FlavorName       types.String `tfsdk:"flavor_name"`
	Networks         types.List   `tfsdk:"networks"`
	SecurityGroupIDs types.Set    `tfsdk:"security_group_ids"`
	KeyPair          types.String `tfsdk:"key_pair"`
	Metadata         types.Map    `tfsdk:"metadata"`
	Tags             types.Set    `tfsdk:"tags"`
	ConfigDrive      types.Bool   `tfsdk:"config_drive"`
	AvailabilityZone types.String `tfsdk:"availability_zone"`
	PowerState       types.String `tfsdk:"power_state"`
	IPv4Address      types.String `tfsdk:"ipv4_address"`
	IPv6Address      types.String `tfsdk:"ipv6_address"`
}

// NewDataSource returns the data source cloudlet_instance.
func NewDataSource() datasource.DataSource {
	return &managed.Source[found, model]{Name: "instance", Doc: "Finds one instance of the project by name or id.", Attributes: toldInstance(), Find: find,
		Fill: func(_ context.Context, f *found, m model, _ *diag.Diagnostics) {
			*f = found{m.ID, m.ProjectID, m.Name, m.Description, m.ImageID, m.FlavorID, m.FlavorName, m.Networks, m.SecurityGroupIDs, m.KeyPair, m.Metadata, m.Tags,
				m.ConfigDrive, m.AvailabilityZone, m.PowerState, m.IPv4Address, m.IPv6Address}
		},
	}
}

// find returns the instances that are as asked, with their cards.
func find(ctx context.Context, c *client.Client, asked found) ([]model, error) {
	var all []wire
	if id := asked.ID.ValueString(); id != "" {
		w, err := get(ctx, c.Compute, id)
		if client.NotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		all = []wire{w}
	} else {
		pages, err := servers.List(c.Compute, servers.ListOpts{Name: "^" + regexp.QuoteMeta(asked.Name.ValueString()) + "$"}).AllPages(ctx) // the API takes a pattern
		if err != nil {
			return nil, err
		}
		if err := servers.ExtractServersInto(pages, &all); err != nil {
			return nil, err
		}
	}
	var out []model
	for _, w := range all {
		if w.gone() || !client.Wants(asked.Name.ValueString(), w.Name) {
			continue
		}
		m, err := look(ctx, c, w)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// look reads all that there is to tell of an instance.
func look(ctx context.Context, c *client.Client, w wire) (model, error) {
	m := model{SchedulerHints: types.ObjectNull(hintsType), Networks: types.ListNull(nicType), SecurityGroupIDs: types.SetUnknown(types.StringType)}
	ports, err := portsOf(ctx, c.Network, w)
	if err != nil {
		return m, err
	}
	var diags diag.Diagnostics
	m.fill(ctx, w, ports, &diags)
	r := &instance{client.Resource{Client: c}}
	r.fillFlavorID(ctx, &m, &diags)
	if diags.HasError() {
		return m, errors.New(diags[0].Detail())
	}
	return m, nil
}

func toldInstance() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id":          managed.Asked("Id in the cloud."),
		"name":        managed.Asked("Name."),
		"project_id":  managed.Told("Id of the project that owns it."),
		"description": managed.Told("Description, for people."),
		"image_id":    managed.Told("Id of the image that it was made from."),
		"flavor_id":   managed.Told("Id of its flavor, if the flavor still is there."),
		"flavor_name": managed.Told("Name of its flavor."),
		"networks": schema.ListNestedAttribute{Computed: true, MarkdownDescription: "Network cards, in the order in which the guest sees them where the cloud tells it.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{"network_id": managed.Told("Id of the network."), "port_id": managed.Told("Id of the port."),
				"fixed_ip": managed.Told("First address of the card."), "mac_address": managed.Told("MAC address of the card.")}}},
		"security_group_ids": managed.ToldSet("Ids of the security groups of the cards that the cloud made ports for."),
		"key_pair":           managed.Told("Name of the keypair that it was made with."),
		"metadata":           schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Metadata."},
		"tags":               managed.ToldSet("Tags."),
		"config_drive":       managed.ToldBool("Whether it has a config drive."),
		"availability_zone":  managed.Told("Zone that it is in."),
		"power_state":        managed.Told("`active`, `shutoff`, or another status of the API's in lower case."),
		"ipv4_address":       managed.Told("First IPv4 address, if there is one."),
		"ipv6_address":       managed.Told("First IPv6 address, if there is one."),
	}
}
