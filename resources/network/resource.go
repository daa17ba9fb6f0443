package network

import (
	"net/http"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewResource returns cloudlet_network.
func NewResource() resource.Resource {
	return managed.New(managed.Of(object, managed.Kind[model, wire]{
		Name: "network", Schema: networkSchema(), Timeout: 2 * time.Minute, Fields: fields,
		Service: func(c *client.Client) *gophercloud.ServiceClient { return c.Network },
	}))
}

var object = managed.Object[wire]{Name: "network", Path: "networks", Method: http.MethodPut}

func networkSchema() schema.Schema {
	replaceString := []planmodifier.String{stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplace()}
	return schema.Schema{
		MarkdownDescription: "A network: a layer-2 segment that ports are plugged into.",
		Attributes: map[string]schema.Attribute{
			"project_id":     client.ProjectIDAttribute(),
			"name":           schema.StringAttribute{Required: true, MarkdownDescription: "Name. Need not be unique.", Validators: []validator.String{stringvalidator.LengthBetween(1, 255)}},
			"description":    schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString(""), MarkdownDescription: "Description, for people.", Validators: []validator.String{stringvalidator.LengthAtMost(255)}},
			"admin_state_up": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(true), MarkdownDescription: "Whether the network carries traffic. Default: `true`."},
			"shared":         schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false), MarkdownDescription: "Whether all projects may use it. Administrators only. Default: `false`."},
			"external":       schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false), MarkdownDescription: "Whether it leads outside the cloud. Administrators only. Default: `false`."},
			"mtu":            schema.Int64Attribute{Optional: true, Computed: true, MarkdownDescription: "Largest packet in bytes. Default: the cloud's, 1450 on a tunnelled network.", PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()}, Validators: []validator.Int64{int64validator.Between(68, 9216)}},
			"port_security_enabled": schema.BoolAttribute{Optional: true, Computed: true, MarkdownDescription: "Whether new ports have security groups and anti-spoofing. Default: `true`.",
				PlanModifiers: []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()}},
			"network_type": schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: replaceString, MarkdownDescription: "`flat` for a physical network, `vxlan` for a tunnelled one. Administrators only. Default: `vxlan`. Changing it replaces the network: the ports would lose their segment.",
				Validators: []validator.String{stringvalidator.OneOf("flat", "vxlan")}},
			"physical_network": schema.StringAttribute{Optional: true, PlanModifiers: replaceString, MarkdownDescription: "Name that the hosts give the physical network of a `flat` network. Changing it replaces the network."},
			"segmentation_id": schema.Int64Attribute{Optional: true, Computed: true, MarkdownDescription: "VXLAN network identifier of a `vxlan` network. Default: a free one. Changing it replaces the network.",
				PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown(), int64planmodifier.RequiresReplace()}, Validators: []validator.Int64{int64validator.Between(1, 1<<24-1)}},
		},
	}
}
