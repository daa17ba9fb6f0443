package image

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// Schema implements resource.Resource.
func (r *image) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	keep := []planmodifier.Int64{int64planmodifier.UseStateForUnknown()}
	least := func(doc string) schema.Int64Attribute {
		return schema.Int64Attribute{Optional: true, Computed: true, Default: int64default.StaticInt64(0), MarkdownDescription: doc, Validators: []validator.Int64{int64validator.AtLeast(0)}}
	}
	flag := func(doc string) schema.BoolAttribute {
		return schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false), MarkdownDescription: doc}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "An image: the disk that instances start from, uploaded from a file. If the file's bytes or those in the cloud change, the image is replaced; all else changes in place.",
		Attributes: map[string]schema.Attribute{
			"id":         client.IDAttribute(),
			"project_id": client.ProjectIDAttribute(),
			"name":       client.NameAttribute(),
			"source_file": schema.StringAttribute{Optional: true, Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
				MarkdownDescription: "File to upload. It is read at each plan, to see whether the image still has these bytes. Required but for an imported image. Another path to the same bytes changes nothing in the cloud."},
			"sha512":       schema.StringAttribute{Computed: true, PlanModifiers: client.Keep(), MarkdownDescription: "SHA-512 of the image's bytes, in hex. Changing it replaces the image: the API never changes an image's bytes."},
			"checksum":     schema.StringAttribute{Computed: true, PlanModifiers: client.Keep(), MarkdownDescription: "MD5 of the image's bytes, in hex, as the API gives it."},
			"size":         schema.Int64Attribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "Size of the file in bytes."},
			"virtual_size": schema.Int64Attribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "Size in bytes of the disk that a guest sees; 0 if the cloud does not tell."},
			"disk_format": schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: client.KeepOrReplace(), Validators: []validator.String{stringvalidator.OneOf("raw", "qcow2", "vmdk", "vdi", "vhd", "vhdx", "iso", "ploop", "ami", "ari", "aki")},
				MarkdownDescription: "Format of the file: `qcow2`, `raw`, `iso`, `vmdk`, `vdi`, `vhd`, `vhdx`, … Default: told from its first bytes. Changing it replaces the image: the API fixes it with the upload."},
			"container_format": schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString("bare"), PlanModifiers: client.KeepOrReplace(), Validators: []validator.String{stringvalidator.OneOf("bare", "ovf", "ova", "docker", "ami", "ari", "aki", "compressed")},
				MarkdownDescription: "What is around the disk. Default: `bare`. Changing it replaces the image: the API fixes it with the upload."},
			"visibility": schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString("private"), Validators: []validator.String{stringvalidator.OneOf("private", "shared", "community", "public")},
				MarkdownDescription: "Who may use it: `private` the project, `shared` projects that it is offered to, `community` everybody who knows its id, `public` everybody (administrators only). Default: `private`."},
			"protected": flag("Whether the cloud refuses to delete it. Must be set to `false` and applied before the image can be destroyed or replaced. Default: `false`."),
			"hidden":    flag("Whether it is left out of lists. Default: `false`."),
			"min_disk":  least("Least size in GiB of a flavor's disk. Default: 0."),
			"min_ram":   least("Least memory in MiB of a flavor. Default: 0."),
			"tags": schema.SetAttribute{Optional: true, Computed: true, ElementType: types.StringType, Default: setdefault.StaticValue(types.SetValueMust(types.StringType, []attr.Value{})),
				MarkdownDescription: "All tags. Default: none.", Validators: []validator.Set{setvalidator.ValueStringsAre(stringvalidator.LengthBetween(1, 255))}},
			"properties": schema.MapAttribute{Optional: true, Computed: true, ElementType: types.StringType, Default: mapdefault.StaticValue(types.MapValueMust(types.StringType, map[string]attr.Value{})),
				MarkdownDescription: "All properties, such as `{hw_disk_bus = \"virtio\"}`. What is set elsewhere is removed. Default: none.", Validators: []validator.Map{mapvalidator.KeysAre(property{})}},
		},
		Blocks: map[string]schema.Block{"timeouts": client.TimeoutsBlock(ctx, createTimeout, changeTimeout, changeTimeout)},
	}
}

// property is a validator: the name of a property.
type property struct{}

// Description implements validator.String.
func (property) Description(context.Context) string {
	return "must be a name that the image API has no other use for"
}

// MarkdownDescription implements validator.String.
func (p property) MarkdownDescription(ctx context.Context) string { return p.Description(ctx) }

// ValidateString implements validator.String.
func (property) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	name := req.ConfigValue.ValueString()
	if isReserved(name) || strings.TrimSpace(name) == "" || len(name) > 255 {
		resp.Diagnostics.AddAttributeError(req.Path, "Wrong property", "The image API has another use for the name \""+name+"\". If it is an attribute of this resource, set it there.")
	}
}
