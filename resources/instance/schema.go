package instance

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/objectplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/valid"
)

// Schema implements resource.Resource.
func (r *instance) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	all := map[string]schema.Attribute{}
	for _, part := range []map[string]schema.Attribute{identityAttributes(), sourceAttributes(), networkAttributes(), guestAttributes(), placeAttributes()} {
		for name, a := range part {
			all[name] = a
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "An instance: a guest that runs on one of the cloud's hosts. Name, description, metadata, tags, network cards, security groups, user data and power change in place. " +
			"It is created when the guest runs, and destroyed when nothing of it is left.",
		Attributes: all,
		Blocks:     map[string]schema.Block{"timeouts": client.TimeoutsBlock(ctx, defaultTimeout, defaultTimeout, defaultTimeout)},
	}
}

func identityAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id":         client.IDAttribute(),
		"project_id": client.ProjectIDAttribute(),
		"name": schema.StringAttribute{Required: true, MarkdownDescription: "Name. Need not be unique. The guest is told a host name made of it.",
			Validators: []validator.String{stringvalidator.LengthBetween(1, 255), trimmed()}},
		"description": client.DescriptionAttribute(),
		"metadata": schema.MapAttribute{Optional: true, Computed: true, ElementType: types.StringType, Default: mapdefault.StaticValue(types.MapValueMust(types.StringType, map[string]attr.Value{})),
			MarkdownDescription: "Metadata that the guest can read. All of it: what is set elsewhere is removed. Default: none.",
			Validators:          []validator.Map{mapvalidator.KeysAre(stringvalidator.LengthBetween(1, 255)), mapvalidator.ValueStringsAre(stringvalidator.UTF8LengthAtMost(255))}},
		"tags": schema.SetAttribute{Optional: true, Computed: true, ElementType: types.StringType, Default: setdefault.StaticValue(types.SetValueMust(types.StringType, []attr.Value{})),
			MarkdownDescription: "All tags. Default: none.", Validators: []validator.Set{setvalidator.SizeAtMost(50), setvalidator.ValueStringsAre(tag())}},
	}
}

// sourceAttributes are what the guest is made of.
func sourceAttributes() map[string]schema.Attribute {
	either := func(a, b string) validator.String {
		return stringvalidator.ExactlyOneOf(path.MatchRoot(a), path.MatchRoot(b))
	}
	return map[string]schema.Attribute{
		"image_id": schema.StringAttribute{Optional: true, Computed: true, Validators: []validator.String{either("image_id", "image_name"), stringvalidator.LengthAtLeast(1)},
			MarkdownDescription: "Id of the image. Changing it replaces the instance: its disk is made from the image. Either this or `image_name` is required."},
		"image_name": schema.StringAttribute{Optional: true, Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			MarkdownDescription: "Name of the image, of which there must be one. It is looked up when it is set; an image that comes to have the name later does not replace the instance. If this configuration makes the image, use `image_id`."},
		"flavor_id": schema.StringAttribute{Optional: true, Computed: true, Validators: []validator.String{either("flavor_id", "flavor_name"), stringvalidator.LengthAtLeast(1)},
			MarkdownDescription: "Id of the flavor. Changing it replaces the instance: an instance keeps the size that it was made with. Either this or `flavor_name` is required."},
		"flavor_name": schema.StringAttribute{Optional: true, Computed: true, Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			MarkdownDescription: "Name of the flavor. If this configuration makes the flavor, use `flavor_id`."},
	}
}

func networkAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"networks": schema.ListNestedAttribute{Optional: true, Computed: true, PlanModifiers: []planmodifier.List{listplanmodifier.UseStateForUnknown()}, Validators: []validator.List{listvalidator.SizeAtMost(maxCards)},
			MarkdownDescription: "Network cards, in the order in which the guest sees them. Changed in place: cards are detached and attached; one that is put in before others has them attached anew behind it. Default: one card on the project's only network; `[]` for none.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"network_id": schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: "Id of a network: the cloud makes a port for the card, and deletes it with the card. Either this or `port_id` is required."},
				"port_id":    schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: "Id of a port that is there: it is only plugged in, and outlives the instance."},
				"fixed_ip": schema.StringAttribute{Optional: true, Computed: true, Validators: []validator.String{valid.IP()},
					MarkdownDescription: "Address of the card. Default: a free one of the network. That of a port is given with the port."},
				"mac_address": schema.StringAttribute{Computed: true, MarkdownDescription: "MAC address of the card."},
			}}},
		"security_group_ids": schema.SetAttribute{Optional: true, Computed: true, ElementType: types.StringType, PlanModifiers: []planmodifier.Set{setplanmodifier.UseNonNullStateForUnknown()}, Validators: []validator.Set{setvalidator.SizeAtLeast(1)},
			MarkdownDescription: "Ids of the security groups of the cards that are given by `network_id`; a port has its own. Default: the project's group `default`."},
		"ipv4_address": schema.StringAttribute{Computed: true, PlanModifiers: client.Keep(), MarkdownDescription: "First IPv4 address, if there is one."},
		"ipv6_address": schema.StringAttribute{Computed: true, PlanModifiers: client.Keep(), MarkdownDescription: "First IPv6 address, if there is one."},
	}
}

// guestAttributes are what the guest is told.
func guestAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"key_pair": schema.StringAttribute{Optional: true, PlanModifiers: client.KeepOrReplace(), Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			MarkdownDescription: "Name of the keypair whose public key the guest lets in. Changing it replaces the instance: guests take the key when they first boot."},
		"user_data": schema.StringAttribute{Optional: true, Validators: []validator.String{stringvalidator.LengthAtLeast(1), stringvalidator.ConflictsWith(path.MatchRoot("user_data_wo")), userDataSize{}},
			MarkdownDescription: "What the guest is told to do when it boots: a script that begins with `#!`, or cloud-init's YAML. Changed in place; the guest reads it at its next boot. It is kept in the state and can be read by the guest: for secrets see `user_data_wo`."},
		"user_data_wo": schema.StringAttribute{Optional: true, WriteOnly: true, Validators: []validator.String{stringvalidator.AlsoRequires(path.MatchRoot("user_data_wo_version")), userDataSize{}},
			MarkdownDescription: "User data that is never in the plan or the state. To send another one change `user_data_wo_version`."},
		"user_data_wo_version": schema.Int64Attribute{Optional: true, Validators: []validator.Int64{int64validator.AlsoRequires(path.MatchRoot("user_data_wo"))},
			MarkdownDescription: "Number to change with `user_data_wo`."},
		"config_drive": schema.BoolAttribute{Optional: true, Computed: true, PlanModifiers: []planmodifier.Bool{boolplanmodifier.UseStateForUnknown(), boolplanmodifier.RequiresReplace()},
			MarkdownDescription: "Whether the guest has its metadata on a drive also. Default: what the image says, else `false`. Changing it replaces the instance: the API fixes its devices with its creation."},
		"power_state": schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString(active), Validators: []validator.String{stringvalidator.OneOf(active, shutoff)},
			MarkdownDescription: "`active` or `shutoff`. Changed in place; an instance that is in error is started by a hard reboot. Default: `active`."},
	}
}

// placeAttributes say where the guest runs.
func placeAttributes() map[string]schema.Attribute {
	hint := func(doc string) schema.SetAttribute {
		return schema.SetAttribute{Optional: true, ElementType: types.StringType, Validators: []validator.Set{setvalidator.SizeAtLeast(1)}, MarkdownDescription: doc}
	}
	return map[string]schema.Attribute{
		"availability_zone": schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplaceIfConfigured()},
			Validators: []validator.String{stringvalidator.LengthAtLeast(1)}, MarkdownDescription: "Availability zone; for administrators also `zone:host`. Default: any. Changing it replaces the instance: the API does not move one between zones."},
		"scheduler_hints": schema.SingleNestedAttribute{Optional: true, PlanModifiers: []planmodifier.Object{objectplanmodifier.RequiresReplace()},
			MarkdownDescription: "What the choice of a host heeds. Changing it replaces the instance: the choice is made at its creation.",
			Attributes: map[string]schema.Attribute{
				"same_host_ids":      hint("Ids of instances to share a host with."),
				"different_host_ids": hint("Ids of instances to share no host with."),
				"group_id":           schema.StringAttribute{Optional: true, MarkdownDescription: "Id of the server group that the instance joins.", Validators: []validator.String{stringvalidator.LengthAtLeast(1)}},
			}},
	}
}
