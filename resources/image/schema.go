package image

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setplanmodifier"
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
	source := func(doc string, more ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: doc, Validators: append([]validator.String{stringvalidator.LengthAtLeast(1),
			stringvalidator.ConflictsWith(path.MatchRoot("source_file"), path.MatchRoot("source_url"), path.MatchRoot("source_image_id"))}, more...)}
	}
	const required = "A new image needs `source_file`, `source_url` or `source_image_id`."
	resp.Schema = schema.Schema{
		MarkdownDescription: "An image: the disk that instances start from, made from a file, from a URL or from another image. If the bytes are to be others, the image is replaced; all else changes in place.",
		Attributes: map[string]schema.Attribute{
			"id":          client.IDAttribute(),
			"project_id":  client.ProjectIDAttribute(),
			"name":        client.NameAttribute(),
			"source_file": source("File to upload. It is read at each plan, to see whether the image still has these bytes. Another path to the same bytes changes nothing in the cloud. " + required),
			"source_url": source("HTTP or HTTPS URL that the cloud itself fetches the bytes from (`web-download`); `disk_format` must tell what they are. "+
				"The cloud asks for them once: set `sha512` to be sure of what comes, and change it when other bytes are there. Another URL without `sha512` replaces the image. "+required, httpURL{}),
			"source_image_id": source("Id of an active image whose bytes and formats this one gets; for its properties, set `properties` to those of a `cloudlet_image` data source. " +
				"The cloud copies the bytes itself if it offers `glance-download`; else they go through the machine that Terraform runs on. The copy stays when the other image goes. " + required),
			"sha512": schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: client.Keep(), Validators: []validator.String{stringvalidator.RegexMatches(sum, "must be a SHA-512 in hex: 128 digits in lower case")},
				MarkdownDescription: "SHA-512 of the image's bytes, in hex. If it is given, an image with other bytes is refused and not kept. Changing it replaces the image: the API never changes an image's bytes."},
			"checksum":     schema.StringAttribute{Computed: true, PlanModifiers: client.Keep(), MarkdownDescription: "MD5 of the image's bytes, in hex, as the API gives it."},
			"size":         schema.Int64Attribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "Size of the file in bytes."},
			"virtual_size": schema.Int64Attribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "Size in bytes of the disk that a guest sees; 0 if the cloud does not tell."},
			"disk_format": schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: client.KeepOrReplace(), Validators: []validator.String{stringvalidator.OneOf("raw", "qcow2", "vmdk", "vdi", "vhd", "vhdx", "iso", "ploop", "ami", "ari", "aki")},
				MarkdownDescription: "Format of the file: `qcow2`, `raw`, `iso`, `vmdk`, `vdi`, `vhd`, `vhdx`, … Default: told from its first bytes, or that of the image it is copied from; required with `source_url`. Changing it replaces the image: the API fixes it with the upload."},
			"container_format": schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: client.KeepOrReplace(), Validators: []validator.String{stringvalidator.OneOf("bare", "ovf", "ova", "docker", "ami", "ari", "aki", "compressed")},
				MarkdownDescription: "What is around the disk. Default: `bare`, or that of the image it is copied from. Changing it replaces the image: the API fixes it with the upload."},
			"stores": schema.SetAttribute{Optional: true, Computed: true, ElementType: types.StringType, PlanModifiers: []planmodifier.Set{setplanmodifier.UseStateForUnknown()},
				Validators:          []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1))},
				MarkdownDescription: "Ids of all stores that hold the bytes. Adding one copies them there, which most clouds allow administrators only; taking one away removes them there. Default: the cloud's choice."},
			"members": schema.SetAttribute{Optional: true, Computed: true, ElementType: types.StringType, PlanModifiers: []planmodifier.Set{setplanmodifier.UseStateForUnknown()},
				Validators:          []validator.Set{setvalidator.ValueStringsAre(stringvalidator.LengthBetween(1, 255))},
				MarkdownDescription: "Ids of all projects that an image with the visibility `shared` is offered to; each of them accepts or rejects it, such as by `cloudlet_image_member`. Default: members are not managed, and stay as they are."},
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
		Blocks: map[string]schema.Block{"timeouts": client.TimeoutsBlock(ctx, bytesTimeout, bytesTimeout, deleteTimeout)},
	}
}

// sum is how the API spells a SHA-512.
var sum = regexp.MustCompile(`^[0-9a-f]{128}$`)

// httpURL is a validator: a URL that the image API may be asked to fetch.
type httpURL struct{}

// Description implements validator.String.
func (httpURL) Description(context.Context) string {
	return "must be an http or https URL with a host and no user name"
}

// MarkdownDescription implements validator.String.
func (v httpURL) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString implements validator.String.
func (v httpURL) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	u, err := url.Parse(req.ConfigValue.ValueString())
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Wrong URL", "The value "+v.Description(ctx)+", such as https://example.org/debian.qcow2.")
	}
}

// ValidateConfig implements resource.ResourceWithValidateConfig.
func (r *image) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	none := m.Members.IsNull() || !m.Members.IsUnknown() && len(m.Members.Elements()) == 0 // as -generate-config-out writes it
	if resp.Diagnostics.HasError() || none || m.Visibility.IsUnknown() || m.Visibility.ValueString() == "shared" {
		return
	}
	resp.Diagnostics.AddAttributeError(path.Root("members"), "Only shared images have members", "Set visibility = \"shared\", or leave members out.")
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
