package identity

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// Options are a resource's options, by Keystone's names, with their JSON values.
// One that is not there is not set.
type Options map[string]jsontext.Value

// The options. All but the rules are true or false.
const (
	Immutable          = "immutable" // of domains, projects and roles: no change, no deletion
	IgnoreFirstUse     = "ignore_change_password_upon_first_use"
	IgnoreExpiry       = "ignore_password_expiry"
	IgnoreLockout      = "ignore_lockout_failure_attempts"
	IgnoreInactivity   = "ignore_user_inactivity"
	LockPassword       = "lock_password" // the user cannot change it
	MultiFactorEnabled = "multi_factor_auth_enabled"
	MultiFactorRules   = "multi_factor_auth_rules" // lists of methods that suffice together
)

// offered are the options of each kind of resource.
var offered = map[string][]string{
	"domain": {Immutable}, "project": {Immutable}, "role": {Immutable},
	"user": {IgnoreFirstUse, IgnoreExpiry, IgnoreLockout, IgnoreInactivity, LockPassword, MultiFactorEnabled, MultiFactorRules},
}

// On reports whether an option is set to true.
func (o Options) On(name string) bool { return string(o[name]) == "true" }

// With returns the options of a kind of resource after a change; null takes one
// back. Error kind: Invalid, with the field.
func (o Options) With(kind string, change Options) (Options, error) {
	next := maps.Clone(o)
	for name, v := range change {
		if !slices.Contains(offered[kind], name) {
			return nil, cloud.Errorf(cloud.Invalid, kind, "Invalid input for field 'options': there is no option %s of a %s.", name, kind).At("/" + kind + "/options/" + name)
		}
		if v.Kind() == 'n' {
			delete(next, name)
			continue
		}
		if name == MultiFactorRules {
			if _, ok := factorRules(v); !ok {
				return nil, cloud.Errorf(cloud.Invalid, kind, "Invalid input for field 'options/%s': a list of lists of methods, each given once, is required.", name).At("/" + kind + "/options/" + name)
			}
		} else if v.Kind() != 't' && v.Kind() != 'f' {
			return nil, cloud.Errorf(cloud.Invalid, kind, "Invalid input for field 'options/%s': %s is not of type boolean.", name, v).At("/" + kind + "/options/" + name)
		}
		if next == nil {
			next = Options{}
		}
		next[name] = v.Clone()
	}
	if len(next) == 0 {
		return nil, nil
	}
	return next, nil
}

// factorRules reads multi_factor_auth_rules.
func factorRules(v jsontext.Value) (rules [][]string, ok bool) {
	if len(v) == 0 {
		return nil, true
	}
	if json.Unmarshal(v, &rules) != nil {
		return nil, false
	}
	for n, rule := range rules {
		for i, method := range rule {
			if method == "" || slices.Contains(rule[:i], method) {
				return nil, false
			}
		}
		if len(rule) == 0 || slices.ContainsFunc(rules[:n], func(other []string) bool { return slices.Equal(other, rule) }) {
			return nil, false
		}
	}
	return rules, true
}

// maxExtra bounds all that is kept of such members of one row, in bytes: Keystone's database has
// them in a TEXT.
const maxExtra = 65535

// With returns what is kept of the members that Keystone does not know, after a
// change of some. Error kind: Invalid if that becomes too much.
func (e Extra) With(kind string, change Extra) (Extra, error) {
	if len(change) == 0 {
		return e, nil
	}
	next := maps.Clone(e)
	if next == nil {
		next = Extra{}
	}
	for name, v := range change {
		next[name] = v.Clone()
	}
	size := 0
	for name, v := range next {
		size += len(name) + len(v)
	}
	if size > maxExtra {
		return e, cloud.Errorf(cloud.Invalid, kind, "The members that are kept for clients alone have %d bytes; at most %d are allowed.", size, maxExtra).At("/" + kind)
	}
	return next, nil
}

// unmovable refuses a change or deletion of what is immutable.
func unmovable(kind, id, verb string) error {
	return cloud.Errorf(cloud.Forbidden, kind, "Unable to %s immutable %s resource: %s. Set resource option \"immutable\" to false first.", verb, kind, id)
}
