package front

import (
	"net/url"
	"reflect"

	"github.com/go-json-experiment/json"
)

// wireType names the JSON type that a Go type is written as, in the words of
// JSON schema.
func wireType(sem *json.SemanticError) string {
	t := sem.GoType
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return "the right type"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "'boolean'"
	case reflect.String:
		return "'string'"
	case reflect.Slice, reflect.Array:
		return "'array'"
	case reflect.Map, reflect.Struct:
		return "'object'"
	case reflect.Float32, reflect.Float64:
		return "'number'"
	}
	return "'integer'"
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}
