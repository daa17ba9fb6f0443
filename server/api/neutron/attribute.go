package neutron

import (
	"bytes"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/statestore"
)

// attribute is one member of a resource's object: everything there is to know about it.
type attribute[T any] struct {
	name string
	// post, put: it may be given to a create, to an update; need: a create must give it.
	post, put, need bool
	// set returns the rule that must allow to give it this value, "" for none.
	set func(v jsontext.Value, creating bool) string
	// get is the rule that must allow to be told it; "" for all who see the resource.
	get string
	// value is what is rendered, filtered and sorted by: a string, bool, int or nil;
	// a []string, of which a filter wants a member; omitted{} or anything else.
	value func(v *view, t *T) any
	// match compares with a filter's values where value cannot.
	match func(t *T, wants []string) bool
}

// omitted is the value of an attribute that an object does not have.
type omitted struct{}

// always returns a set that asks for the rule whatever the value.
func always(rule string) func(jsontext.Value, bool) string {
	return func(jsontext.Value, bool) string { return rule }
}

// unless returns a set that lets everybody create with the usual value.
func unless(usual, rule string) func(jsontext.Value, bool) string {
	return func(v jsontext.Value, creating bool) string {
		if creating && string(v) == usual {
			return ""
		}
		return rule
	}
}

// view is what an answer is rendered for.
type view struct {
	rq     *front.Request
	r      statestore.Reader
	fields []string // what fields= selects; nil: everything
}

func newView(rq *front.Request) *view {
	return &view{rq: rq, r: rq.Read(), fields: rq.Query()["fields"]}
}

// render returns the object that the caller is told.
func (s *resource[T]) render(v *view, t *T) (jsontext.Value, error) {
	var out bytes.Buffer
	e := jsontext.NewEncoder(&out, jsontext.AllowDuplicateNames(true)) // the rows have none
	if err := e.WriteToken(jsontext.BeginObject); err != nil {
		return nil, err
	}
	target := s.target(v.r, t)
	for n := range s.attributes {
		a := &s.attributes[n]
		if v.fields != nil && !slices.Contains(v.fields, a.name) || a.get != "" && !v.rq.Can(a.get, target) {
			continue
		}
		x := a.value(v, t)
		if _, skip := x.(omitted); skip {
			continue
		}
		if err := e.WriteToken(jsontext.String(a.name)); err != nil {
			return nil, err
		}
		if err := json.MarshalEncode(e, x, json.Deterministic(true)); err != nil {
			return nil, err
		}
	}
	if err := e.WriteToken(jsontext.EndObject); err != nil {
		return nil, err
	}
	return jsontext.Value(bytes.TrimSpace(out.Bytes())), nil
}

// standard are the attributes that follow in every resource.
func standard[T any](project func(*T) string, revision func(*T) int, times func(*T) (created, updated time.Time)) []attribute[T] {
	owner := func(_ *view, t *T) any { return project(t) }
	return []attribute[T]{
		{name: "project_id", post: true, value: owner},
		{name: "tenant_id", post: true, value: owner},
		{name: "revision_number", value: func(_ *view, t *T) any { return revision(t) }},
		{name: "created_at", value: func(_ *view, t *T) any { c, _ := times(t); return stamp(c) }},
		{name: "updated_at", value: func(_ *view, t *T) any { _, u := times(t); return stamp(u) }},
	}
}

// tagged is the attribute of a resource that has tags.
func tagged[T any](tags func(*T) []string) attribute[T] {
	return attribute[T]{name: "tags", post: true, value: func(_ *view, t *T) any { return tags(t) }}
}

// stamp renders a time as Neutron does: seconds, with Z.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// orNull renders a string, null if it is empty.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// deref returns what p points at, the zero value for nil.
func deref[T any](p *T) (zero T) {
	if p == nil {
		return zero
	}
	return *p
}
