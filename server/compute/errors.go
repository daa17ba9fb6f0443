package compute

import (
	"fmt"
	"strings"

	"github.com/cloudlet/cloudlet/server/cloud"
)

func invalid(op, resource, field, format string, args ...any) *cloud.Error {
	return &cloud.Error{Kind: cloud.Invalid, Op: op, Resource: resource, Field: field, Msg: fmt.Sprintf(format, args...)}
}

func conflict(op, id, format string, args ...any) *cloud.Error {
	return &cloud.Error{Kind: cloud.Conflict, Op: op, Resource: "instance", ID: id, Msg: fmt.Sprintf(format, args...)}
}

func missingInstance(op, id string) *cloud.Error {
	return &cloud.Error{Kind: cloud.NotFound, Op: op, Resource: "instance", ID: id, Msg: "Instance " + id + " could not be found."}
}

func trim(s string) string { return strings.TrimSpace(s) }
