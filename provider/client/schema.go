package client

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// IDAttribute is the id that every resource has.
func IDAttribute() schema.StringAttribute {
	return schema.StringAttribute{Computed: true, MarkdownDescription: "Id in the cloud.", PlanModifiers: Keep()}
}

// ProjectIDAttribute is the owner that every project's resource has.
func ProjectIDAttribute() schema.StringAttribute {
	return schema.StringAttribute{Computed: true, MarkdownDescription: "Id of the project that owns it.", PlanModifiers: Keep()}
}

// NameAttribute is a required name that need not be unique and changes in place.
func NameAttribute() schema.StringAttribute {
	return schema.StringAttribute{Required: true, MarkdownDescription: "Name. Need not be unique.",
		Validators: []validator.String{stringvalidator.LengthBetween(1, 255)}}
}

// DescriptionAttribute is a description that changes in place.
func DescriptionAttribute() schema.StringAttribute {
	return schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString(""), MarkdownDescription: "Description, for people.",
		Validators: []validator.String{stringvalidator.LengthAtMost(255)}}
}

// TimeoutsBlock is the timeouts block that every resource has, with what they are
// if not given. A resource that never changes has none for update: 0.
func TimeoutsBlock(ctx context.Context, create, update, remove time.Duration) schema.Block {
	told := func(what string, d time.Duration) string {
		return fmt.Sprintf("How long %s may take, such as `90s` or `1h30m`. Default: `%s`.", what, strings.TrimSuffix(d.String(), "0s"))
	}
	return timeouts.Block(ctx, timeouts.Opts{Create: true, Update: update > 0, Delete: true,
		CreateDescription: told("creating it", create), UpdateDescription: told("changing it", update), DeleteDescription: told("deleting it", remove)})
}

// Keep is for a string that stays as it is unless the configuration changes it.
func Keep() []planmodifier.String {
	return []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
}

// KeepOrReplace is for a string that stays as it is, and whose change replaces
// the resource.
func KeepOrReplace() []planmodifier.String {
	return []planmodifier.String{stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplace()}
}
