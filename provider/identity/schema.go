package identity

import (
	"math"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
)

// Some demands a text that is not empty.
func Some() []validator.String { return []validator.String{stringvalidator.LengthAtLeast(1)} }

// NameAttribute is a required name that changes in place.
func NameAttribute(doc string, most int) schema.StringAttribute {
	return schema.StringAttribute{Required: true, MarkdownDescription: doc, Validators: []validator.String{stringvalidator.LengthBetween(1, most)}}
}

// ParentAttribute is a reference that the cloud sets if it is not given, and whose
// change replaces the resource.
func ParentAttribute(doc, kind string) schema.StringAttribute {
	return schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: client.KeepOrReplace(), MarkdownDescription: doc + " Changing it replaces the " + kind + "."}
}

// EnabledAttribute is whether the thing is in use: it is, unless said otherwise.
func EnabledAttribute(doc string) schema.BoolAttribute {
	return schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(true), MarkdownDescription: doc + " Default: `true`."}
}

// TagsAttribute is the tags of a project or domain.
func TagsAttribute() schema.SetAttribute {
	return schema.SetAttribute{Optional: true, Computed: true, ElementType: types.StringType, Default: setdefault.StaticValue(types.SetValueMust(types.StringType, []attr.Value{})),
		MarkdownDescription: "Tags, at most 80.", Validators: []validator.Set{setvalidator.SizeAtMost(80), setvalidator.ValueStringsAre(stringvalidator.LengthBetween(1, 255),
			stringvalidator.RegexMatches(regexp.MustCompile(`^[^,/]*$`), "must have neither comma nor slash"))}}
}

// ImmutableAttribute is the option that protects a thing.
func ImmutableAttribute() schema.BoolAttribute {
	return schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false),
		MarkdownDescription: "Whether the cloud refuses to change or delete it. Set it to `false` and apply before you destroy it. Default: `false`."}
}

// LimitAttribute is a number of things that changes in place, -1 for any.
func LimitAttribute(doc string) schema.Int64Attribute {
	return schema.Int64Attribute{Required: true, MarkdownDescription: doc, Validators: []validator.Int64{int64validator.Between(-1, math.MaxInt32)}}
}

// Options are the options of a thing that has only the one that protects it, as
// the API gives them.
type Options struct {
	Immutable bool `json:"immutable"`
}

// Immutable is the same as the API is sent it.
func Immutable(on types.Bool) types.Object {
	return types.ObjectValueMust(map[string]attr.Type{"immutable": types.BoolType}, map[string]attr.Value{"immutable": on})
}
