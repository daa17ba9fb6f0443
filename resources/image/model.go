package image

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// wire is an image as the API gives it: what it says itself, and, beside that in
// the same object, the properties.
type wire struct {
	known
	Properties map[string]string
	Members    []string // of a shared image, if asked for
}

type known struct {
	ID              string   `json:"id"`
	Owner           string   `json:"owner"`
	Name            string   `json:"name"`
	Status          string   `json:"status"`
	Visibility      string   `json:"visibility"`
	Protected       bool     `json:"protected"`
	Hidden          bool     `json:"os_hidden"`
	DiskFormat      string   `json:"disk_format"`
	ContainerFormat string   `json:"container_format"`
	MinDisk         int64    `json:"min_disk"`
	MinRAM          int64    `json:"min_ram"`
	Size            int64    `json:"size"`
	VirtualSize     int64    `json:"virtual_size"`
	Checksum        string   `json:"checksum"`
	HashAlgo        string   `json:"os_hash_algo"`
	HashValue       string   `json:"os_hash_value"`
	Tags            []string `json:"tags"`
	CreatedAt       string   `json:"created_at"`
	UpdatedAt       string   `json:"updated_at"`
	Stores          string   `json:"stores"`                        // with commas
	ImportTask      string   `json:"os_glance_import_task"`         // while one imports
	ImportLeft      string   `json:"os_glance_importing_to_stores"` // with commas
	ImportFailed    string   `json:"os_glance_failed_import"`       // with commas
}

// reserved are further members of an image that are no properties.
var reserved = []string{"self", "file", "schema", "direct_url", "locations", "metadata", "owner_id"}

// UnmarshalJSON implements json.Unmarshaler.
func (w *wire) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, &w.known); err != nil {
		return err
	}
	var all map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	w.Properties = map[string]string{}
	for k, v := range all {
		if s, ok := v.(string); ok && !isReserved(k) {
			w.Properties[k] = s
		}
	}
	return nil
}

// isReserved reports whether a member of an image is no property of the user's.
func isReserved(name string) bool {
	_, own := knownNames[name]
	return own || slices.Contains(reserved, name) || strings.HasPrefix(name, "os_glance_") || strings.HasPrefix(name, "openstack-image-")
}

var knownNames = func() map[string]any {
	b, err := json.Marshal(known{})
	if err != nil {
		panic(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		panic(err)
	}
	return m
}()

// sha512 returns the SHA-512 of the image's bytes if the cloud tells it.
func (w wire) sha512() (string, bool) {
	return strings.ToLower(w.HashValue), w.HashAlgo == "sha512" && w.HashValue != ""
}

// options is the body of a create.
type options map[string]any

// ToImageCreateMap implements images.CreateOptsBuilder.
func (o options) ToImageCreateMap() (map[string]any, error) { return o, nil }

// patch is the body of an update: a JSON patch (RFC 6902).
type patch []any

// ToImageUpdateMap implements images.UpdateOptsBuilder.
func (p patch) ToImageUpdateMap() ([]any, error) { return p, nil }

// model is the resource as Terraform keeps it.
type model struct {
	ID              types.String   `tfsdk:"id"`
	ProjectID       types.String   `tfsdk:"project_id"`
	Name            types.String   `tfsdk:"name"`
	SourceFile      types.String   `tfsdk:"source_file"`
	SourceURL       types.String   `tfsdk:"source_url"`
	SourceImageID   types.String   `tfsdk:"source_image_id"`
	Stores          types.Set      `tfsdk:"stores"`
	Members         types.Set      `tfsdk:"members"`
	SHA512          types.String   `tfsdk:"sha512"`
	Checksum        types.String   `tfsdk:"checksum"`
	Size            types.Int64    `tfsdk:"size"`
	VirtualSize     types.Int64    `tfsdk:"virtual_size"`
	DiskFormat      types.String   `tfsdk:"disk_format"`
	ContainerFormat types.String   `tfsdk:"container_format"`
	Visibility      types.String   `tfsdk:"visibility"`
	Protected       types.Bool     `tfsdk:"protected"`
	Hidden          types.Bool     `tfsdk:"hidden"`
	MinDisk         types.Int64    `tfsdk:"min_disk"`
	MinRAM          types.Int64    `tfsdk:"min_ram"`
	Tags            types.Set      `tfsdk:"tags"`
	Properties      types.Map      `tfsdk:"properties"`
	Timeouts        timeouts.Value `tfsdk:"timeouts"`
}

// attributes maps a field of the API to the attribute it comes from, for what
// a create sends and an update may send. Properties are told apart.
func (m *model) attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "name", Value: m.Name, Update: true},
		{Wire: "disk_format", Value: m.DiskFormat},
		{Wire: "container_format", Value: m.ContainerFormat},
		{Wire: "visibility", Value: m.Visibility, Update: true},
		{Wire: "protected", Value: m.Protected, Update: true},
		{Wire: "os_hidden", Value: m.Hidden, Update: true},
		{Wire: "min_disk", Value: m.MinDisk, Update: true},
		{Wire: "min_ram", Value: m.MinRAM, Update: true},
		{Wire: "tags", Value: m.Tags, Update: true},
	}
}

// createBody is what a create sends: properties stand beside the rest.
func (m *model) createBody() options {
	body := client.CreateBody(m.attributes())
	for k, v := range client.StringMap(m.Properties) {
		body[k] = v
	}
	return body
}

// changes returns the patch that leads from the state to the plan, in an order
// that is the same each time.
func changes(plan, state *model) patch {
	var p patch
	op := func(op, name string, value any) {
		member := map[string]any{"op": op, "path": "/" + pointer.Replace(name)}
		if op != "remove" {
			member["value"] = value
		}
		p = append(p, member)
	}
	body := client.UpdateBody(plan.attributes(), state.attributes())
	for _, k := range slices.Sorted(maps.Keys(body)) {
		op("replace", k, body[k])
	}
	want, is := client.StringMap(plan.Properties), client.StringMap(state.Properties)
	for _, k := range slices.Sorted(maps.Keys(want)) {
		old, ok := is[k]
		switch {
		case !ok:
			op("add", k, want[k])
		case old != want[k]:
			op("replace", k, want[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(is)) {
		if _, ok := want[k]; !ok {
			op("remove", k, nil)
		}
	}
	return p
}

// pointer escapes a member's name for a JSON pointer (RFC 6901).
var pointer = strings.NewReplacer("~", "~0", "/", "~1")

// fields are the attributes that an error of the API may point at.
var fields = client.Fields{
	"/name":             path.Root("name"),
	"/disk_format":      path.Root("disk_format"),
	"/container_format": path.Root("container_format"),
	"/visibility":       path.Root("visibility"),
	"/protected":        path.Root("protected"),
	"/min_disk":         path.Root("min_disk"),
	"/min_ram":          path.Root("min_ram"),
	"/tags":             path.Root("tags"),
	"/stores":           path.Root("stores"),
	"/sha512":           path.Root("sha512"), // no field of the API's
	"/member":           path.Root("members"),
	"/method/uri":       path.Root("source_url"),
}

// fill sets the model from what the API gives. A cloud that hashes otherwise than
// by SHA-512 leaves what was known of the bytes as it is.
func (m *model) fill(ctx context.Context, w wire, diags *diag.Diagnostics) {
	m.ID = types.StringValue(w.ID)
	m.ProjectID = client.StringOrNull(w.Owner)
	m.Name = types.StringValue(w.Name)
	if sum, ok := w.sha512(); ok {
		m.SHA512 = types.StringValue(sum)
	} else if m.SHA512.IsUnknown() {
		m.SHA512 = types.StringNull()
	}
	m.Checksum = client.StringOrNull(w.Checksum)
	m.Size = types.Int64Value(w.Size)
	m.VirtualSize = types.Int64Value(w.VirtualSize)
	m.DiskFormat = client.StringOrNull(w.DiskFormat)
	m.ContainerFormat = client.StringOrNull(w.ContainerFormat)
	m.Visibility = types.StringValue(w.Visibility)
	m.Protected = types.BoolValue(w.Protected)
	m.Hidden = types.BoolValue(w.Hidden)
	m.MinDisk = types.Int64Value(w.MinDisk)
	m.MinRAM = types.Int64Value(w.MinRAM)
	m.Tags = client.Set(ctx, w.Tags, diags)
	m.Properties = client.Map(ctx, w.Properties, diags)
	m.Stores = client.Set(ctx, list(w.Stores), diags)
	m.Members = client.Set(ctx, w.Members, diags)
}

// list returns the elements of a list with commas.
func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
}

func get(ctx context.Context, s *gophercloud.ServiceClient, id string) (w wire, err error) {
	err = images.Get(ctx, s, id).ExtractInto(&w)
	return w, err
}

// getWhole is get with the members.
func getWhole(ctx context.Context, s *gophercloud.ServiceClient, id string) (w wire, err error) {
	if w, err = get(ctx, s, id); err == nil && w.Visibility == "shared" {
		w.Members, err = memberList(ctx, s, id)
	}
	return w, err
}

func addError(diags *diag.Diagnostics, summary string, err error) {
	client.AddError(diags, summary, err, fields)
}
