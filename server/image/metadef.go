package image

import (
	"encoding/json"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Namespace is a catalogue of metadata definitions: what the properties of images,
// flavors and other things mean. It informs; nothing is held to it. All of its
// parts are in its row: they come and go with it.
type Namespace struct {
	Name        string
	DisplayName string
	Description string
	Visibility  Visibility // Public or Private
	Protected   bool       // refuse to delete
	ProjectID   string     // the owner

	Types      []TypeAssociation // by name, as all parts
	Properties []MetaProperty
	Objects    []MetaObject
	Tags       []MetaTag

	CreatedAt, UpdatedAt time.Time
}

// TypeAssociation says that a namespace is about a type of resource.
type TypeAssociation struct {
	Name                 string // OS::Glance::Image
	Prefix               string // of the properties' names on such resources
	Target               string // which properties of such resources are meant: image, metadata, …
	CreatedAt, UpdatedAt time.Time
}

// MetaProperty defines a property by a JSON schema.
type MetaProperty struct {
	Name                 string
	Schema               json.RawMessage
	CreatedAt, UpdatedAt time.Time
}

// MetaObject defines a group of properties.
type MetaObject struct {
	Name, Description    string
	Required             []string
	Properties           json.RawMessage // an object of JSON schemas by name
	CreatedAt, UpdatedAt time.Time
}

// MetaTag defines a tag.
type MetaTag struct {
	Name                 string
	CreatedAt, UpdatedAt time.Time
}

// Namespaces is the table of namespaces, by name.
//
//   - owner: the project
//   - visibility: the visibility
var Namespaces = statestore.NewTable(statestore.TableDef[Namespace]{
	Name:    "image_metadef",
	Version: 1,
	Key:     func(n *Namespace) string { return n.Name },
	Indexes: []statestore.Index[Namespace]{
		{Name: "owner", Keys: func(n *Namespace) []string { return []string{n.ProjectID} }},
		{Name: "visibility", Keys: func(n *Namespace) []string { return []string{string(n.Visibility)} }},
	},
})

// Limits of metadata definitions: characters of names, how many parts of a kind a
// namespace has, and bytes of a property's or an object's schema.
const (
	maxMetaName   = 80
	maxMetaParts  = 2000
	maxMetaSchema = 64 << 10
)

// ResourceTypes are the types of resources that OpenStack's services agree on. An
// association may name any other.
var ResourceTypes = []string{"OS::Cinder::Volume", "OS::Glance::Image", "OS::Nova::Aggregate", "OS::Nova::Flavor", "OS::Nova::Server"}

func metaFault(kind cloud.Kind, op, what, id, format string, args ...any) *cloud.Error {
	e := fault(kind, op, id, "", format, args...)
	e.Resource = what
	return e
}

// NamespaceGet returns a namespace if the caller may see it. Error kinds: NotFound.
func NamespaceGet(r statestore.Reader, c cloud.Caller, name string) (Namespace, error) {
	n, ok := Namespaces.Get(r, name)
	if !ok || n.Visibility != Public && !c.Admin() && !c.Owns(n.ProjectID) {
		return Namespace{}, metaFault(cloud.NotFound, "NamespaceGet", "namespace", name, "Metadata definition namespace=%.80s not found.", name)
	}
	return n, nil
}

// NamespacesVisible yields every namespace that the caller may see.
func NamespacesVisible(r statestore.Reader, c cloud.Caller) iter.Seq[Namespace] {
	return func(yield func(Namespace) bool) {
		for n := range Namespaces.All(r) {
			if (n.Visibility == Public || c.Admin() || c.Owns(n.ProjectID)) && !yield(n) {
				return
			}
		}
	}
}

// NamespaceCreate makes a namespace with all its parts, whose times it sets.
// Error kinds: Invalid, Conflict if the name is taken, Quota.
func NamespaceCreate(tx *statestore.Txn, c cloud.Caller, n Namespace) (Namespace, error) {
	const op = "NamespaceCreate"
	if n.ProjectID == "" {
		n.ProjectID = c.ProjectID
	}
	if n.Visibility == "" {
		n.Visibility = Private
	}
	if _, taken := Namespaces.Get(tx, n.Name); taken {
		return Namespace{}, metaFault(cloud.Conflict, op, "namespace", n.Name, "The metadata definition namespace=%.80s already exists.", n.Name)
	}
	n.CreatedAt, n.UpdatedAt = tx.Now(), tx.Now()
	all := n
	n.Types, n.Properties, n.Objects, n.Tags = nil, nil, nil, nil
	if err := checkNamespace(op, n); err != nil {
		return Namespace{}, err
	}
	var err error
	for _, x := range all.Types {
		err = firstError(err, addPart(tx, &n.Types, x))
	}
	for _, x := range all.Properties {
		err = firstError(err, addPart(tx, &n.Properties, x))
	}
	for _, x := range all.Objects {
		err = firstError(err, addPart(tx, &n.Objects, x))
	}
	for _, x := range all.Tags {
		err = firstError(err, addPart(tx, &n.Tags, x))
	}
	if err != nil {
		return Namespace{}, err
	}
	Namespaces.Put(tx, n)
	return n, nil
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// checkNamespace refuses a namespace that breaks a rule about its own fields.
func checkNamespace(op string, n Namespace) error {
	switch {
	case n.Name == "" || utf8.RuneCountInString(n.Name) > maxMetaName || strings.Contains(n.Name, "/"):
		return invalid(op, "/namespace", "Invalid namespace %.100q: its name must have 1 to %d characters and no slash.", n.Name, maxMetaName)
	case utf8.RuneCountInString(n.DisplayName) > maxMetaName:
		return invalid(op, "/display_name", "Invalid display_name: it has more than %d characters.", maxMetaName)
	case utf8.RuneCountInString(n.Description) > 500:
		return invalid(op, "/description", "Invalid description: it has more than 500 characters.")
	case n.Visibility != Public && n.Visibility != Private:
		return invalid(op, "/visibility", "Invalid visibility %.50q: it must be public or private.", n.Visibility)
	case utf8.RuneCountInString(n.ProjectID) > maxText:
		return invalid(op, "/owner", "Invalid owner: it has more than %d characters.", maxText)
	}
	return nil
}

// NamespaceUpdate replaces what a namespace says of itself; its parts stay. Error
// kinds: NotFound, Invalid, Conflict for a new name that is taken.
func NamespaceUpdate(tx *statestore.Txn, c cloud.Caller, name string, to Namespace) (Namespace, error) {
	const op = "NamespaceUpdate"
	n, err := NamespaceGet(tx, c, name)
	if err != nil {
		return Namespace{}, err
	}
	n.Name, n.DisplayName, n.Description, n.Protected = to.Name, to.DisplayName, to.Description, to.Protected
	if n.Visibility = to.Visibility; n.Visibility == "" {
		n.Visibility = Private
	}
	if to.ProjectID != "" {
		n.ProjectID = to.ProjectID
	}
	if err := checkNamespace(op, n); err != nil {
		return Namespace{}, err
	}
	if n.Name != name {
		if _, taken := Namespaces.Get(tx, n.Name); taken {
			return Namespace{}, metaFault(cloud.Conflict, op, "namespace", n.Name, "The metadata definition namespace=%.80s already exists.", n.Name)
		}
		Namespaces.Delete(tx, name)
	}
	n.UpdatedAt = tx.Now()
	Namespaces.Put(tx, n)
	return n, nil
}

// NamespaceDelete removes a namespace with all that is in it. Error kinds:
// NotFound, Forbidden for a protected one.
func NamespaceDelete(tx *statestore.Txn, c cloud.Caller, name string) error {
	n, err := NamespaceGet(tx, c, name)
	if err != nil {
		return err
	}
	if n.Protected {
		return metaFault(cloud.Forbidden, "NamespaceDelete", "namespace", name, "Metadata definition namespace %.80s is protected and cannot be deleted.", name)
	}
	Namespaces.Delete(tx, name)
	return nil
}
