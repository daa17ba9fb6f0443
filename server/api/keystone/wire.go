package keystone

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

// null is a member that is there and null.
var null = jsontext.Value("null")

// orNull renders a string, null if it is empty.
func orNull(s string) any {
	if s == "" {
		return null
	}
	return s
}

// stamp renders a time as Keystone's tokens do: microseconds, with Z.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// stampOrNull renders a time without zone, null if it is zero.
func stampOrNull(t time.Time) any {
	if t.IsZero() {
		return null
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000")
}

// optional is a member that may be left out. Null stands for the zero value,
// but for truths, which have none.
type optional[T any] struct {
	Set   bool
	Value T
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (o *optional[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	o.Set = true
	if d.PeekKind() == 'n' {
		if _, truth := any(o.Value).(bool); truth {
			return errors.New("null is not of type 'boolean'")
		}
		return d.SkipValue()
	}
	return json.UnmarshalDecode(d, &o.Value)
}

// to stores the member, if it was given.
func (o optional[T]) to(field *T) {
	if o.Set {
		*field = o.Value
	}
}

// or returns the member, or a default if it was not given.
func (o optional[T]) or(def T) T {
	if o.Set {
		return o.Value
	}
	return def
}

// secret is a password. A complaint about it does not repeat it.
type secret string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *secret) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case 'n':
		return d.SkipValue()
	case '"':
		t, err := d.ReadToken()
		*s = secret(t.String())
		return err
	}
	return errors.New("a value of type 'string' is required")
}

// keep stores the members of a body that Keystone does not know and keeps all the
// same, without those that answers have of themselves. Error kind: Invalid.
func keep(kind string, to *identity.Extra, unknown identity.Extra, own ...string) (err error) {
	for _, name := range append(own, "links") {
		delete(unknown, name)
	}
	*to, err = to.With(kind, unknown)
	return err
}

// change makes the changes of a body that all resources have in common.
func change(kind string, o *identity.Options, given identity.Options, e *identity.Extra, unknown identity.Extra) error {
	next, err := o.With(kind, given)
	*o = next
	return cmp.Or(err, keep(kind, e, unknown, "password_expires_at", "parents", "subtree"))
}

type self struct {
	Self string `json:"self"`
}

func selfLink(rq *front.Request, path string) self { return self{rq.URL("/v3" + path)} }

type listLinks struct {
	Self     string `json:"self"`
	Next     any    `json:"next"`
	Previous any    `json:"previous"`
}

// list renders a collection that is always whole.
func list[T any](rq *front.Request, key string, items []T) *front.Response {
	return listOf(rq, key, items, null, false)
}

func listOf[T any](rq *front.Request, key string, items []T, next any, truncated bool) *front.Response {
	if items == nil {
		items = []T{}
	}
	body := map[string]any{key: items, "links": listLinks{rq.BaseURL() + rq.HTTP.URL.RequestURI(), next, null}}
	if truncated {
		body["truncated"] = true
	}
	return front.OK(body).With("Vary", "X-Auth-Token")
}

// columns are the members by which a collection is sorted; "id" is where a page
// ends.
type columns[T any] map[string]func(*T) string

// paged renders what the query wants of a collection: sorted by ?sort_key and
// ?sort_dir, after ?marker, at most ?limit. Without a limit it is whole. Of what has
// no names none is called ?name: the openstack command looks for what is not an id by
// name, and changes or deletes the one that it gets.
func paged[T any](rq *front.Request, key string, items []T, by columns[T]) (*front.Response, error) {
	p := front.Paging[T]{ID: by["id"], Sorts: map[string]func(a, b *T) int{}, Max: math.MaxInt, DefaultDir: "asc"}
	for name, value := range by {
		p.Sorts[name] = func(a, b *T) int { return cmp.Compare(value(a), value(b)) }
	}
	if by["name"] == nil && rq.Query().Has("name") {
		items = nil
	}
	page, more, err := front.Page(rq.Query(), items, p)
	if err != nil || !more {
		return list(rq, key, page), err
	}
	next := rq.BaseURL() + rq.HTTP.URL.EscapedPath() + "?" + front.NextQuery(rq.Query(), by["id"](&page[len(page)-1]))
	return listOf(rq, key, page, next, true), nil
}

// visible returns those of the items that the caller could get one by one.
func visible[T any](rq *front.Request, rule string, items []T, target func(T) cloud.Target) []T {
	return slices.DeleteFunc(items, func(item T) bool { return !rq.Can(rule, target(item)) })
}

// told is the target of a row about what is no project's, domain's or user's, named by {id}:
// everybody is told, as by Keystone, if there is none.
func told[T any](get func(statestore.Reader, string) (T, error)) func(*front.Request) (cloud.Target, error) {
	return func(rq *front.Request) (cloud.Target, error) {
		_, err := get(rq.Read(), rq.PathValue("id"))
		return rq.Caller.Own(), err
	}
}

// made stores a new row of a table and leaves it as stored in row. id is the row's
// own: that which the client chose, if it did. Error kind: Conflict if that is taken.
func made[T any](rq *front.Request, t *statestore.Table[T], row *T, id *string, put func(*statestore.Txn, T) (T, error)) error {
	return rq.Write(func(tx *statestore.Txn) error {
		if err := choose(rq, tx, t, id); err != nil {
			return err
		}
		stored, err := put(tx, *row)
		*row = stored
		return err
	})
}

// choose sets the id of a new row that has none to the one that the client chose: 32 digits,
// as Keystone's are, of its UUID. Error kind: Conflict.
func choose[T any](rq *front.Request, r statestore.Reader, t *statestore.Table[T], id *string) error {
	chosen := strings.ReplaceAll(rq.Caller.ChosenID, "-", "")
	if *id != "" || chosen == "" {
		return nil
	}
	if _, taken := t.Get(r, chosen); taken || identity.IDTaken(r, chosen) {
		return cloud.Errorf(cloud.Conflict, t.Name(), "The id %s is in use already, or was.", chosen)
	}
	*id = chosen
	return nil
}

// several stores the new rows that a body lists, all or none. check is asked of each when all
// are there. A fault says which of them it is about; an id that the client chose is
// the first one's.
func several[W, T any](rq *front.Request, kind string, given []W, t *statestore.Table[T], id func(*T) *string,
	apply func(W, *T) error, put func(*statestore.Txn, T) (T, error), check func(statestore.Reader, T) error) (rows []T, err error) {
	if len(given) == 0 {
		return nil, expecting(kind+"s", "request body", "/"+kind+"s")
	}
	fault := func(n int, err error) error {
		e := cloud.AsError(err)
		if field, ok := strings.CutPrefix(e.Field, "/"+kind+"/"); ok {
			e = e.At(fmt.Sprintf("/%ss/%d/%s", kind, n, field))
		}
		return e
	}
	return rows, rq.Write(func(tx *statestore.Txn) error {
		rows = make([]T, len(given))
		if err := choose(rq, tx, t, id(&rows[0])); err != nil {
			return err
		}
		for n, w := range given {
			err := apply(w, &rows[n])
			if err == nil {
				rows[n], err = put(tx, rows[n])
			}
			if err != nil {
				return fault(n, err)
			}
		}
		for n, row := range rows {
			if err := check(tx, row); err != nil {
				return fault(n, err)
			}
		}
		return nil
	})
}

// edited changes the row that the path names by {id} and returns it as stored. Error kind:
// Invalid for a body that changes nothing.
func edited[T any](rq *front.Request, get func(statestore.Reader, string) (T, error), change func(*T) error, put func(*statestore.Txn, T) (T, error)) (row T, err error) {
	if err := changes(rq); err != nil {
		return row, err
	}
	err = rq.Write(func(tx *statestore.Txn) error {
		old, err := get(tx, rq.PathValue("id"))
		if err != nil {
			return err
		}
		if err := change(&old); err != nil {
			return err
		}
		row, err = put(tx, old)
		return err
	})
	return row, err
}

// changes refuses a body whose one member is an object without any.
func changes(rq *front.Request) error {
	body, err := rq.Body()
	var b map[string]map[string]jsontext.Value
	if err != nil || json.Unmarshal(body, &b) != nil { // it was read before, and is what the row asks for
		return err
	}
	for kind, members := range b {
		if len(members) == 0 && kind != "limit" && kind != "registered_limit" { // Keystone takes those
			return cloud.Errorf(cloud.Invalid, kind, "Invalid input for field '%s': {} does not have enough properties.", kind).At("/" + kind)
		}
	}
	return nil
}

// deleter answers DELETE of the row that the path names by {id}.
func deleter(remove func(*statestore.Txn, string) error) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		return front.NoContent(), rq.Write(func(tx *statestore.Txn) error { return remove(tx, rq.PathValue("id")) })
	}
}

// immutable refuses another value for a member that cannot change.
func immutable(kind, field string, given optional[string], is string) error {
	if !given.Set || given.Value == is {
		return nil
	}
	return cloud.Errorf(cloud.Invalid, kind, "Invalid input for field '%s': it cannot be set to another value.", field).At("/" + kind + "/" + field)
}

// required refuses a member that was left out or is empty.
func required(kind, field, value string) error {
	if strings.TrimSpace(value) != "" {
		return nil
	}
	return cloud.Errorf(cloud.Invalid, kind, "Invalid input for field '%s': it is a required property.", field).At("/" + kind + "/" + field)
}
