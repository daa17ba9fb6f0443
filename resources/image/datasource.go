package image

import (
	"context"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// NewDataSource returns the data source cloudlet_image.
func NewDataSource() datasource.DataSource {
	return &source{managed.Source[found, wire]{Name: "image", Doc: "Finds one active image: by name or id, or by tags and properties.", Attributes: toldImage(),
		Find: func(ctx context.Context, c *client.Client, asked found) ([]wire, error) {
			all, err := asked.list(ctx, c.Image)
			return asked.choose(all), err
		},
		Fill: func(ctx context.Context, f *found, w wire, diags *diag.Diagnostics) {
			var m model
			m.fill(ctx, w, diags)
			f.ID, f.ProjectID, f.Name, f.Visibility, f.AllTags, f.AllProperties = m.ID, m.ProjectID, m.Name, m.Visibility, m.Tags, m.Properties
			f.SHA512, f.Checksum, f.Size, f.VirtualSize, f.DiskFormat, f.ContainerFormat = m.SHA512, m.Checksum, m.Size, m.VirtualSize, m.DiskFormat, m.ContainerFormat
			f.Protected, f.MinDisk, f.MinRAM, f.CreatedAt = m.Protected, m.MinDisk, m.MinRAM, types.StringValue(w.CreatedAt)
		},
	}}
}

type source struct{ managed.Source[found, wire] }

// found is the data source as Terraform keeps it.
type found struct {
	ID              types.String `tfsdk:"id"`
	ProjectID       types.String `tfsdk:"project_id"`
	Name            types.String `tfsdk:"name"`
	Visibility      types.String `tfsdk:"visibility"`
	Tags            types.Set    `tfsdk:"tags"`
	Properties      types.Map    `tfsdk:"properties"`
	Hidden          types.Bool   `tfsdk:"hidden"`
	MemberStatus    types.String `tfsdk:"member_status"`
	MostRecent      types.Bool   `tfsdk:"most_recent"`
	AllTags         types.Set    `tfsdk:"all_tags"`
	AllProperties   types.Map    `tfsdk:"all_properties"`
	SHA512          types.String `tfsdk:"sha512"`
	Checksum        types.String `tfsdk:"checksum"`
	Size            types.Int64  `tfsdk:"size"`
	VirtualSize     types.Int64  `tfsdk:"virtual_size"`
	DiskFormat      types.String `tfsdk:"disk_format"`
	ContainerFormat types.String `tfsdk:"container_format"`
	Protected       types.Bool   `tfsdk:"protected"`
	MinDisk         types.Int64  `tfsdk:"min_disk"`
	MinRAM          types.Int64  `tfsdk:"min_ram"`
	CreatedAt       types.String `tfsdk:"created_at"`
}

func toldImage() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id":         managed.Asked("Id in the cloud."),
		"name":       managed.Asked("Name."),
		"project_id": managed.Asked("Id of the project that owns it."),
		"visibility": managed.Asked("Who may use it: `private`, `shared`, `community` or `public`.", stringvalidator.OneOf("private", "shared", "community", "public")),
		"tags":       schema.SetAttribute{Optional: true, ElementType: types.StringType, MarkdownDescription: "Tags that it has, among others."},
		"properties": schema.MapAttribute{Optional: true, ElementType: types.StringType, MarkdownDescription: "Properties that it has, among others."},
		"hidden":     schema.BoolAttribute{Optional: true, MarkdownDescription: "Look among the images that are left out of lists, and not among the others. With `id`, either is found. Default: `false`."},
		"member_status": schema.StringAttribute{Optional: true, Validators: []validator.String{stringvalidator.OneOf("accepted", "pending", "rejected", "all")},
			MarkdownDescription: "Of the images that other projects share with this one, those that are `accepted`, `pending`, `rejected`, or `all`. Default: `accepted`. With `id`, any is found."},
		"most_recent": schema.BoolAttribute{Optional: true, MarkdownDescription: "If several images are as configured, take the one that was created last. Default: `false`, which makes that an error. " +
			"A newer image then replaces the instances that use this one."},
		"all_tags":         managed.ToldSet("All its tags."),
		"all_properties":   schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "All its properties."},
		"sha512":           managed.Told("SHA-512 of the image's bytes, in hex."),
		"checksum":         managed.Told("MD5 of the image's bytes, in hex."),
		"size":             managed.ToldInt("Size of the file in bytes."),
		"virtual_size":     managed.ToldInt("Size in bytes of the disk that a guest sees; 0 if the cloud does not tell."),
		"disk_format":      managed.Told("Format of the file, such as `qcow2`."),
		"container_format": managed.Told("What is around the disk, usually `bare`."),
		"protected":        managed.ToldBool("Whether the cloud refuses to delete it."),
		"min_disk":         managed.ToldInt("Least size in GiB of a flavor's disk."),
		"min_ram":          managed.ToldInt("Least memory in MiB of a flavor."),
		"created_at":       managed.Told("When it was created, as the API tells it."),
	}
}

// ConfigValidators implements datasource.DataSourceWithConfigValidators: what else may
// be configured says how to look, not what for.
func (d *source) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{datasourcevalidator.AtLeastOneOf(path.MatchRoot("id"), path.MatchRoot("name"), path.MatchRoot("tags"), path.MatchRoot("properties"))}
}

// list returns the images that are as configured by what the API filters by, the
// newest first; by its id also one that is in no list.
func (f found) list(ctx context.Context, s *gophercloud.ServiceClient) ([]wire, error) {
	if id := f.ID.ValueString(); id != "" {
		w, err := get(ctx, s, id)
		fits := w.Status == "active" && client.Wants(f.ProjectID.ValueString(), w.Owner) && client.Wants(f.Visibility.ValueString(), w.Visibility) &&
			(f.Hidden.IsNull() || f.Hidden.ValueBool() == w.Hidden)
		if client.NotFound(err) || err == nil && !fits {
			return nil, nil
		}
		return []wire{w}, err
	}
	pages, err := images.List(s, images.ListOpts{Name: f.Name.ValueString(), Owner: f.ProjectID.ValueString(), Hidden: f.Hidden.ValueBool(),
		MemberStatus: images.ImageMemberStatus(f.MemberStatus.ValueString()), Visibility: images.ImageVisibility(f.Visibility.ValueString()),
		Tags: client.Strings(f.Tags), Status: images.ImageStatusActive, Sort: "created_at:desc"}).AllPages(ctx)
	if err != nil {
		return nil, err
	}
	var all struct {
		Images []wire `json:"images"`
	}
	err = pages.(images.ImagePage).ExtractInto(&all)
	return all.Images, err
}

// choose returns the images that are as configured, also by what the API does
// not filter by; with most_recent only the first, which is the newest.
func (f found) choose(all []wire) []wire {
	properties, tags := client.StringMap(f.Properties), client.Strings(f.Tags)
	fit := slices.DeleteFunc(slices.Clone(all), func(w wire) bool {
		for k, v := range properties {
			if is, ok := w.Properties[k]; !ok || is != v {
				return true
			}
		}
		for _, t := range tags {
			if !slices.Contains(w.Tags, t) {
				return true
			}
		}
		return !client.Wants(f.Name.ValueString(), w.Name)
	})
	if len(fit) == 0 || !f.MostRecent.ValueBool() {
		return fit
	}
	return fit[:1]
}
