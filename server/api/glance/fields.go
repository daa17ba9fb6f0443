package glance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
)

// draft is what a create or an update asks for, as it is gathered member by member.
type draft struct {
	id         string
	change     image.ImageChange
	properties map[string]string // all that the image is to have
}

// base are the members that an image has by itself and that may be changed.
var base = []string{"name", "visibility", "protected", "os_hidden", "owner", "disk_format", "container_format", "min_disk", "min_ram", "tags"}

// readOnly are the members that an image has by itself and that nobody changes.
var readOnly = []string{"id", "created_at", "updated_at", "status", "checksum", "size", "virtual_size", "os_hash_algo", "os_hash_value",
	"direct_url", "self", "file", "schema", "stores"}

// reserved names are Glance's own, though no image has them here.
var reserved = []string{"location", "locations", "deleted", "deleted_at"}

const reservedPrefix = "os_glance_"

// nameable refuses names that no change may touch.
func nameable(name string, creating bool) error {
	switch {
	case creating && name == "id":
		return nil
	case slices.Contains(readOnly, name):
		return forbidden(name, "Attribute '%s' is read-only.", name)
	case slices.Contains(reserved, name), strings.HasPrefix(name, reservedPrefix):
		return forbidden(name, "Attribute '%.255s' is reserved.", name)
	}
	return nil
}

// set takes in one member.
func (d *draft) set(name string, value jsontext.Value, creating bool) error {
	if err := nameable(name, creating); err != nil {
		return err
	}
	c := &d.change
	switch name {
	case "id":
		return take(name, value, &d.id, "string")
	case "name":
		return takeNullable(name, value, &c.Name)
	case "owner":
		return takeNullable(name, value, &c.ProjectID)
	case "disk_format":
		return takeNullable(name, value, &c.DiskFormat)
	case "container_format":
		return takeNullable(name, value, &c.ContainerFormat)
	case "visibility":
		return takeNew(name, value, &c.Visibility, "string")
	case "protected":
		return takeNew(name, value, &c.Protected, "boolean")
	case "os_hidden":
		return takeNew(name, value, &c.Hidden, "boolean")
	case "min_disk":
		return takeNew(name, value, &c.MinDisk, "integer")
	case "min_ram":
		return takeNew(name, value, &c.MinRAM, "integer")
	case "tags":
		return takeNew(name, value, &c.Tags, "array of strings")
	}
	var s string
	if err := take(name, value, &s, "string"); err != nil {
		return err
	}
	d.properties[name] = s
	return nil
}

// take decodes a member that must be of a type and not null.
func take[T any](name string, value jsontext.Value, to *T, kind string) error {
	if err := json.Unmarshal(value, to); err != nil || value.Kind() == 'n' {
		text := string(value)
		if len(text) > 80 {
			text = "the value"
		}
		return invalid(name, "Provided object does not match schema 'image': %s is not of type '%s'. Failed validating %s.", text, kind, name)
	}
	return nil
}

func takeNew[T any](name string, value jsontext.Value, to **T, kind string) error {
	*to = new(T)
	return take(name, value, *to, kind)
}

// takeNullable takes null for the empty string.
func takeNullable(name string, value jsontext.Value, to **string) error {
	if value.Kind() == 'n' {
		*to = new(string)
		return nil
	}
	return takeNew(name, value, to, "string")
}

var pointer = strings.NewReplacer("~", "~0", "/", "~1")

func invalid(name, format string, args ...any) error {
	return faultAt(cloud.Invalid, name, format, args...)
}

func forbidden(name, format string, args ...any) error {
	return faultAt(cloud.Forbidden, name, format, args...)
}

func faultAt(k cloud.Kind, name, format string, args ...any) error {
	e := &cloud.Error{Kind: k, Resource: "image", Msg: fmt.Sprintf(format, args...)}
	if name != "" {
		e.Field = "/" + pointer.Replace(name)
	}
	return e
}
