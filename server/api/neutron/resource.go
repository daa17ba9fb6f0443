package neutron

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// resource is one of Neutron's kinds of things, with all that its routes need.
type resource[T any] struct {
	name, plural string // members of bodies: "security_group", "security_groups"
	path         string // "/security-groups"
	gone         string // message of NotFound, with %s for the id
	attributes   []attribute[T]
	table        *statestore.Table[T]
	indexes      map[string]string // the table's index for a filter on an attribute
	id           func(*T) string
	revision     func(*T) int
	tags         func(*T) []string // nil: it has none
	// target is what policy is asked about.
	target func(r statestore.Reader, t *T) cloud.Target
	// over is the target of the attributes of one that is to be made; nil: its owner's own.
	over func(w writing, in *input) cloud.Target
	// before prepares a list; may be nil.
	before func(rq *front.Request) error

	create func(w writing, in *input) (T, error)
	update func(w writing, id string, in *input) (T, error) // nil: it cannot be changed
	remove func(tx *statestore.Txn, c cloud.Caller, id string) error
	retag  func(tx *statestore.Txn, c cloud.Caller, id string, tags []string) error
}

// writing is a transaction on behalf of a request.
type writing struct {
	rq *front.Request
	tx *statestore.Txn
}

func (w writing) caller() cloud.Caller { return w.rq.Caller }

func (s *resource[T]) rule(verb string) string { return "network:" + s.name + ":" + verb }

func (s *resource[T]) attribute(name string) *attribute[T] {
	for n := range s.attributes {
		if s.attributes[n].name == name {
			return &s.attributes[n]
		}
	}
	return nil
}

func (s *resource[T]) routes() []front.Route {
	one := s.path + "/{id}"
	rows := []front.Route{
		{Method: "GET", Path: s.path, Rule: s.rule("list"), Handle: s.list},
		{Method: "POST", Path: s.path, Rule: s.rule("create"), Handle: s.post},
		{Method: "GET", Path: one, Rule: s.rule("get"), Target: s.load, Handle: s.show},
		{Method: "DELETE", Path: one, Rule: s.rule("delete"), Target: s.load, Handle: s.delete},
	}
	if s.update != nil {
		rows = append(rows, front.Route{Method: "PUT", Path: one, Rule: s.rule("update"), Target: s.load, Handle: s.put})
	}
	if s.tags != nil {
		rows = append(rows, s.tagRoutes()...)
	}
	return rows
}

// find returns the row if the caller may see it.
func (s *resource[T]) find(rq *front.Request, r statestore.Reader, id string) (T, cloud.Target, error) {
	t, ok := s.table.Get(r, id)
	target := s.target(r, &t)
	if ok && id == cloud.UnknownID {
		target.ProjectID = rq.Caller.ProjectID // a plan's own
	}
	if !ok || !rq.Visible(target) {
		e := cloud.Errorf(cloud.NotFound, s.name, s.gone, id)
		e.ID = id
		return t, target, e
	}
	return t, target, nil
}

func (s *resource[T]) load(rq *front.Request) (cloud.Target, error) {
	_, target, err := s.find(rq, rq.Read(), rq.PathValue("id"))
	return target, err
}

func (s *resource[T]) show(rq *front.Request) (*front.Response, error) {
	t, _, err := s.find(rq, rq.Read(), rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return s.answer(rq, http.StatusOK, &t)
}

// answer renders one resource in its envelope.
func (s *resource[T]) answer(rq *front.Request, status int, t *T) (*front.Response, error) {
	o, err := s.render(newView(rq), t)
	return &front.Response{Status: status, Body: map[string]jsontext.Value{s.name: o}}, err
}

func (s *resource[T]) list(rq *front.Request) (*front.Response, error) {
	if s.before != nil {
		if err := s.before(rq); err != nil {
			return nil, err
		}
	}
	v := newView(rq)
	rows, err := s.matching(v)
	if err != nil {
		return nil, err
	}
	rows, links, err := s.page(v, rows)
	if err != nil {
		return nil, err
	}
	out := make([]jsontext.Value, len(rows))
	for n := range rows {
		if out[n], err = s.render(v, &rows[n]); err != nil {
			return nil, err
		}
	}
	body := map[string]any{s.plural: out}
	if links != nil {
		body[s.plural+"_links"] = links
	}
	return front.OK(body), nil
}

// post creates one, or in a bulk request all or none.
func (s *resource[T]) post(rq *front.Request) (*front.Response, error) {
	list, bulk, err := s.decode(rq, true)
	if err != nil {
		return nil, err
	}
	made := make([]T, len(list))
	err = rq.Write(func(tx *statestore.Txn) error {
		for n, in := range list {
			t, err := s.make(writing{rq, tx}, in)
			if err != nil {
				return in.locate(err, bulk)
			}
			made[n] = t
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !bulk {
		return s.answer(rq, http.StatusCreated, &made[0])
	}
	out := make([]jsontext.Value, len(made))
	for n := range made {
		if out[n], err = s.render(newView(rq), &made[n]); err != nil {
			return nil, err
		}
	}
	return front.Created(map[string][]jsontext.Value{s.plural: out}), nil
}

func (s *resource[T]) make(w writing, in *input) (none T, err error) {
	target := cloud.Target{ProjectID: in.project}
	if s.over != nil {
		target = s.over(w, in)
	}
	if err := s.allow(w.rq, in, target, true); err != nil {
		return none, err
	}
	return s.create(w, in)
}

func (s *resource[T]) put(rq *front.Request) (*front.Response, error) {
	list, _, err := s.decode(rq, false)
	if err != nil {
		return nil, err
	}
	in, id := list[0], rq.PathValue("id")
	var t T
	err = rq.Write(func(tx *statestore.Txn) error {
		_, target, err := s.current(rq, tx)
		if err == nil {
			err = s.allow(rq, in, target, false)
		}
		if err == nil {
			t, err = s.update(writing{rq, tx}, id, in)
		}
		return in.locate(err, false)
	})
	if err != nil {
		return nil, err
	}
	return s.answer(rq, http.StatusOK, &t)
}

func (s *resource[T]) delete(rq *front.Request) (*front.Response, error) {
	err := rq.Write(func(tx *statestore.Txn) error {
		if _, _, err := s.current(rq, tx); err != nil {
			return err
		}
		return s.remove(tx, rq.Caller, rq.PathValue("id"))
	})
	return front.NoContent(), err
}

// current returns the row to change, if it still has the revision that the
// client says it saw (If-Match: revision_number=N).
func (s *resource[T]) current(rq *front.Request, tx *statestore.Txn) (T, cloud.Target, error) {
	t, target, err := s.find(rq, tx, rq.PathValue("id"))
	if err != nil {
		return t, target, err
	}
	h := strings.TrimSpace(rq.HTTP.Header.Get("If-Match"))
	if h == "" {
		return t, target, nil
	}
	number, ok := strings.CutPrefix(h, "revision_number=")
	want, err := strconv.Atoi(number)
	if !ok || err != nil {
		return t, target, cloud.Errorf(cloud.Invalid, s.name, "Invalid value for the If-Match header: %q is not revision_number=N.", h)
	}
	if have := s.revision(&t); have != want {
		return t, target, &cloud.Error{Kind: cloud.Precondition, Resource: s.name, ID: rq.PathValue("id"),
			Msg: "Constrained to " + number + ", but current revision is " + strconv.Itoa(have)}
	}
	return t, target, nil
}
