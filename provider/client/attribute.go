package client

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Attribute ties a field of the API to the value of a Terraform attribute.
type Attribute struct {
	Wire   string // the field's name in a request
	Value  attr.Value
	Update bool // an update may send it
}

// CreateBody returns the fields that a create sends: those with a value.
func CreateBody(as []Attribute) map[string]any {
	body := map[string]any{}
	for _, a := range as {
		if v, ok := goValue(a.Value); ok {
			body[a.Wire] = v
		}
	}
	return body
}

// UpdateBody returns the fields that an update sends: those that may be updated
// and differ from the state's. plan and state list the same fields in the same
// order.
func UpdateBody(plan, state []Attribute) map[string]any {
	body := map[string]any{}
	for i, a := range plan {
		if !a.Update || a.Value.Equal(state[i].Value) {
			continue
		}
		if v, ok := goValue(a.Value); ok {
			body[a.Wire] = v
		} else if a.Value.IsNull() {
			body[a.Wire] = nil
		}
	}
	return body
}

// Replaced reports whether a field differs that no update may send.
func Replaced(plan, state []Attribute) bool {
	for i, a := range plan {
		if !a.Update && !a.Value.Equal(state[i].Value) {
			return true
		}
	}
	return false
}

// goValue returns what a value is in JSON. What is not known yet is left out, of
// collections and objects too; an object's members bear their attributes' names.
func goValue(v attr.Value) (any, bool) {
	if v == nil || v.IsNull() || v.IsUnknown() {
		return nil, false
	}
	switch v := v.(type) {
	case interface{ ValueString() string }:
		return v.ValueString(), true
	case interface{ ValueBool() bool }:
		return v.ValueBool(), true
	case interface{ ValueInt64() int64 }:
		return v.ValueInt64(), true
	case interface{ ValueFloat64() float64 }:
		return v.ValueFloat64(), true
	case types.List:
		return goValues(v.Elements()), true
	case types.Set:
		return distinct(goValues(v.Elements())), true
	case types.Map:
		return goMembers(v.Elements()), true
	case types.Object:
		return goMembers(v.Attributes()), true
	}
	return nil, false
}

func goValues(es []attr.Value) []any {
	out := make([]any, 0, len(es))
	for _, e := range es {
		if x, ok := goValue(e); ok {
			out = append(out, x)
		}
	}
	return out
}

func goMembers(es map[string]attr.Value) map[string]any {
	out := make(map[string]any, len(es))
	for k, e := range es {
		if x, ok := goValue(e); ok {
			out[k] = x
		}
	}
	return out
}

// distinct leaves out strings that came before: two unknown references look alike.
func distinct(vs []any) []any {
	seen := map[string]bool{}
	return slices.DeleteFunc(vs, func(v any) bool {
		s, ok := v.(string)
		if ok && seen[s] {
			return true
		}
		seen[s] = ok
		return false
	})
}

// StringOrNull returns null for "".
func StringOrNull(s string) types.String {
	if s == "" {
		return types.StringNull()
	}
	return types.StringValue(s)
}

// List returns a list of strings, empty for nil.
func List(ctx context.Context, s []string, diags *diag.Diagnostics) types.List {
	if s == nil {
		s = []string{}
	}
	v, d := types.ListValueFrom(ctx, types.StringType, s)
	diags.Append(d...)
	return v
}

// Set returns a set of strings, empty for nil.
func Set(ctx context.Context, s []string, diags *diag.Diagnostics) types.Set {
	if s == nil {
		s = []string{}
	}
	v, d := types.SetValueFrom(ctx, types.StringType, s)
	diags.Append(d...)
	return v
}

// Map returns a map of strings, empty for nil.
func Map(ctx context.Context, m map[string]string, diags *diag.Diagnostics) types.Map {
	if m == nil {
		m = map[string]string{}
	}
	v, d := types.MapValueFrom(ctx, types.StringType, m)
	diags.Append(d...)
	return v
}

// Strings returns the known elements of a list or set of strings.
func Strings(v interface{ Elements() []attr.Value }) []string {
	out := []string{}
	for _, e := range v.Elements() {
		if s, ok := e.(types.String); ok && !s.IsNull() && !s.IsUnknown() {
			out = append(out, s.ValueString())
		}
	}
	return out
}

// StringMap returns the known elements of a map of strings.
func StringMap(v types.Map) map[string]string {
	out := map[string]string{}
	for k, e := range v.Elements() {
		if s, ok := e.(types.String); ok && !s.IsNull() && !s.IsUnknown() {
			out[k] = s.ValueString()
		}
	}
	return out
}
