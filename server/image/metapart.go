package image

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// AnyPart is a part of a namespace, which has a name within its kind.
type AnyPart interface {
	TypeAssociation | MetaProperty | MetaObject | MetaTag
	describe() (kind, name string)
	bytes() int
	stamped(created, updated time.Time) any
	created() time.Time
}

func (a TypeAssociation) describe() (string, string) { return "resource type association", a.Name }
func (p MetaProperty) describe() (string, string)    { return "property", p.Name }
func (o MetaObject) describe() (string, string)      { return "object", o.Name }
func (t MetaTag) describe() (string, string)         { return "tag", t.Name }

func (a TypeAssociation) bytes() int { return len(a.Prefix) + len(a.Target) }
func (p MetaProperty) bytes() int    { return len(p.Schema) }
func (o MetaObject) bytes() int {
	return len(o.Description) + len(o.Properties) + len(strings.Join(o.Required, ""))
}
func (t MetaTag) bytes() int { return 0 }

func (a TypeAssociation) created() time.Time { return a.CreatedAt }
func (p MetaProperty) created() time.Time    { return p.CreatedAt }
func (o MetaObject) created() time.Time      { return o.CreatedAt }
func (t MetaTag) created() time.Time         { return t.CreatedAt }

func (a TypeAssociation) stamped(c, u time.Time) any { a.CreatedAt, a.UpdatedAt = c, u; return a }
func (p MetaProperty) stamped(c, u time.Time) any    { p.CreatedAt, p.UpdatedAt = c, u; return p }
func (o MetaObject) stamped(c, u time.Time) any      { o.CreatedAt, o.UpdatedAt = c, u; return o }
func (t MetaTag) stamped(c, u time.Time) any         { t.CreatedAt, t.UpdatedAt = c, u; return t }

// Part names one kind of parts of a namespace for the functions below.
type Part[T AnyPart] func(*Namespace) *[]T

// The kinds of parts.
var (
	Types      Part[TypeAssociation] = func(n *Namespace) *[]TypeAssociation { return &n.Types }
	Properties Part[MetaProperty]    = func(n *Namespace) *[]MetaProperty { return &n.Properties }
	Objects    Part[MetaObject]      = func(n *Namespace) *[]MetaObject { return &n.Objects }
	MetaTags   Part[MetaTag]         = func(n *Namespace) *[]MetaTag { return &n.Tags }
)

func findPart[T AnyPart](all []T, name string) (int, bool) {
	return slices.BinarySearchFunc(all, name, func(x T, name string) int {
		_, n := x.describe()
		return strings.Compare(n, name)
	})
}

// addPart adds a part to its kind, which keeps it sorted. Error kinds: Invalid,
// Conflict, Quota.
func addPart[T AnyPart](tx *statestore.Txn, all *[]T, x T) error {
	const op = "MetadefCreate"
	kind, name := x.describe()
	if name == "" || utf8.RuneCountInString(name) > maxMetaName {
		return invalid(op, "/name", "Invalid %s %.100q: its name must have 1 to %d characters.", kind, name, maxMetaName)
	}
	if x.bytes() > maxMetaSchema {
		return invalid(op, "", "Invalid %s %.100q: it has more than %d bytes.", kind, name, maxMetaSchema)
	}
	at, taken := findPart(*all, name)
	if taken {
		return metaFault(cloud.Conflict, op, kind, name, "A metadata definition %s with name=%s already exists in this namespace.", kind, name)
	}
	if len(*all) >= maxMetaParts {
		return metaFault(cloud.Quota, op, kind, name, "Attempted: %d, Maximum: %d metadata definitions of the kind %s.", len(*all)+1, maxMetaParts, kind)
	}
	*all = slices.Insert(slices.Clone(*all), at, x.stamped(tx.Now(), tx.Now()).(T))
	return nil
}

// PartGet returns a part of a namespace. Error kinds: NotFound.
func PartGet[T AnyPart](n Namespace, of Part[T], name string) (T, error) {
	all := *of(&n)
	at, ok := findPart(all, name)
	if !ok {
		var none T
		kind, _ := none.describe()
		return none, metaFault(cloud.NotFound, "MetadefGet", kind, name, "The metadata definition %s with name=%.80s was not found in namespace=%s.", kind, name, n.Name)
	}
	return all[at], nil
}

// change runs a change of a namespace's parts.
func change(tx *statestore.Txn, c cloud.Caller, namespace string, fn func(n *Namespace) error) error {
	n, err := NamespaceGet(tx, c, namespace)
	if err == nil {
		err = fn(&n)
	}
	if err == nil {
		Namespaces.Put(tx, n)
	}
	return err
}

// PartCreate adds a part to a namespace and returns it. Error kinds: NotFound,
// Invalid, Conflict if there is one of that name, Quota.
func PartCreate[T AnyPart](tx *statestore.Txn, c cloud.Caller, namespace string, of Part[T], x T) (made T, err error) {
	err = change(tx, c, namespace, func(n *Namespace) error {
		if err := addPart(tx, of(n), x); err != nil {
			return err
		}
		_, name := x.describe()
		made, err = PartGet(*n, of, name)
		return err
	})
	return made, err
}

// PartUpdate replaces a part, which may get another name, and returns it. Error
// kinds: as PartCreate.
func PartUpdate[T AnyPart](tx *statestore.Txn, c cloud.Caller, namespace string, of Part[T], name string, to T) (made T, err error) {
	err = change(tx, c, namespace, func(n *Namespace) error {
		was, err := PartGet(*n, of, name)
		if err != nil {
			return err
		}
		all := of(n)
		at, _ := findPart(*all, name)
		*all = slices.Delete(slices.Clone(*all), at, at+1)
		if err := addPart(tx, all, to); err != nil {
			return err
		}
		_, now := to.describe()
		at, _ = findPart(*all, now)
		(*all)[at] = (*all)[at].stamped(was.created(), tx.Now()).(T)
		made = (*all)[at]
		return nil
	})
	return made, err
}

// PartDelete removes a part. Error kinds: NotFound.
func PartDelete[T AnyPart](tx *statestore.Txn, c cloud.Caller, namespace string, of Part[T], name string) error {
	return change(tx, c, namespace, func(n *Namespace) error {
		if _, err := PartGet(*n, of, name); err != nil {
			return err
		}
		all := of(n)
		at, _ := findPart(*all, name)
		*all = slices.Delete(slices.Clone(*all), at, at+1)
		return nil
	})
}

// PartsReplace puts parts in the place of all of their kind, or adds them. Error
// kinds: as PartCreate.
func PartsReplace[T AnyPart](tx *statestore.Txn, c cloud.Caller, namespace string, of Part[T], add bool, xs []T) error {
	return change(tx, c, namespace, func(n *Namespace) error {
		all := of(n)
		if !add {
			*all = nil
		}
		for _, x := range xs {
			if err := addPart(tx, all, x); err != nil {
				return err
			}
		}
		return nil
	})
}
