package client

import (
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// standIns returns plan with what mean says of its attribute, which is UnknownID
// mostly, in the place of every reference that config gives and that is not known
// yet. A reference is an attribute whose name ends in _id, or an element of one
// whose name ends in _ids. What is unknown because the cloud will choose it stays
// unknown.
func standIns(plan, config tftypes.Value, mean func(attribute string) string) tftypes.Value {
	out, err := tftypes.Transform(plan, func(at *tftypes.AttributePath, v tftypes.Value) (tftypes.Value, error) {
		name, ok := reference(at)
		if v.IsKnown() || !v.Type().Is(tftypes.String) || !ok {
			return v, nil
		}
		given, _, err := tftypes.WalkAttributePath(config, at)
		if c, ok := given.(tftypes.Value); err == nil && ok && !c.IsKnown() {
			return tftypes.NewValue(tftypes.String, mean(name)), nil
		}
		return v, nil
	})
	if err != nil {
		return plan // a plan that cannot be walked is checked as it is
	}
	return out
}

// reference returns the name of the attribute that a reference is in.
func reference(at *tftypes.AttributePath) (attribute string, ok bool) {
	steps := at.Steps()
	for i := len(steps) - 1; i >= 0; i-- {
		if name, ok := steps[i].(tftypes.AttributeName); ok {
			element := i < len(steps)-1
			return string(name), !element && strings.HasSuffix(string(name), "_id") || element && strings.HasSuffix(string(name), "_ids")
		}
	}
	return "", false
}
