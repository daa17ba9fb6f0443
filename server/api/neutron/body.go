package neutron

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
)

// decode reads {"network": {…}} or, for a create, {"networks": [{…}, …]}.
func (s *resource[T]) decode(rq *front.Request, creating bool) (list []*input, bulk bool, err error) {
	var body map[string]jsontext.Value
	if err := rq.Decode(&body); err != nil {
		return nil, false, err
	}
	raws := []jsontext.Value{body[s.name]}
	many, bulk := body[s.plural]
	bulk = bulk && creating
	if bulk && (json.Unmarshal(many, &raws) != nil || len(raws) == 0) {
		return nil, bulk, cloud.Errorf(cloud.Invalid, s.name, "Resource body required: '%s' must be a list with at least one element.", s.plural).At("/" + s.plural)
	}
	if !bulk && body[s.name] == nil {
		return nil, bulk, cloud.Errorf(cloud.Invalid, s.name, "Unable to find '%s' in request body", s.name)
	}
	member := s.name
	if bulk {
		member = s.plural
	}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if name != member {
			return nil, bulk, cloud.Errorf(cloud.Invalid, s.name, "Unrecognized attribute(s) '%s': the body has one member, '%s'.", name, member).At("/" + pointer(name))
		}
	}
	for i, raw := range raws {
		in := &input{at: "/" + s.name}
		if bulk {
			in.at = "/" + s.plural + "/" + strconv.Itoa(i)
		}
		if json.Unmarshal(raw, &in.given) != nil || in.given == nil {
			return nil, bulk, cloud.Errorf(cloud.Invalid, s.name, "Invalid input for %s. Reason: it is not an object.", s.name).At(in.at)
		}
		if err := s.check(rq, in, creating); err != nil {
			return nil, bulk, in.locate(err, bulk)
		}
		list = append(list, in)
	}
	return list, bulk, nil
}

// check refuses attributes that are unknown, read-only or missing, and an owner
// that is not the caller's to choose.
func (s *resource[T]) check(rq *front.Request, in *input, creating bool) error {
	bad := func(name, format string, args ...any) error {
		return cloud.Errorf(cloud.Invalid, s.name, format, args...).At("/" + pointer(name))
	}
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(in.given)) {
		switch a := s.attribute(name); {
		case a == nil:
			unknown = append(unknown, name)
		case creating && !a.post:
			return bad(name, "Attribute '%s' not allowed in POST", name)
		case !creating && !a.put:
			return bad(name, "Cannot update read-only attribute %s", name)
		}
	}
	if len(unknown) > 0 {
		return bad(unknown[0], "Unrecognized attribute(s) '%s'", strings.Join(unknown, ", "))
	}
	if !creating {
		return nil
	}
	for n := range s.attributes {
		if a := &s.attributes[n]; a.need && !in.has(a.name) {
			return bad(a.name, "Failed to parse request. Required attribute '%s' not specified", a.name)
		}
	}
	return s.owner(rq, in)
}

// owner sets in.project: the caller's own, or another that project_id or
// tenant_id names and policy lets the caller create in.
func (s *resource[T]) owner(rq *front.Request, in *input) error {
	a, b := in.id("project_id"), in.id("tenant_id")
	if a == nil {
		a = b
	}
	if in.err != nil {
		return in.err
	}
	if b != nil && *a != *b {
		return cloud.Errorf(cloud.Invalid, s.name, "'project_id' and 'tenant_id' have been given but they are different").At("/tenant_id")
	}
	in.project = rq.Caller.ProjectID
	if a == nil || *a == in.project {
		return nil
	}
	in.project = *a
	if !rq.Can(s.rule("create"), cloud.Target{ProjectID: *a}) {
		return cloud.Errorf(cloud.Invalid, s.name, "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin privileges").At("/project_id")
	}
	return nil
}

// allow asks policy about the attributes that are given and not everybody's to give.
func (s *resource[T]) allow(rq *front.Request, in *input, t cloud.Target, creating bool) error {
	for n := range s.attributes {
		a := &s.attributes[n]
		v, given := in.given[a.name]
		if !given || a.set == nil {
			continue
		}
		if rule := a.set(v, creating); rule != "" {
			if err := rq.Require(rule, t); err != nil {
				return cloud.AsError(err).At("/" + a.name)
			}
		}
	}
	return nil
}
