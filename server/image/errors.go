package image

import (
	"fmt"

	"github.com/cloudlet/cloudlet/server/cloud"
)

func fault(kind cloud.Kind, op, id, field, format string, args ...any) *cloud.Error {
	return &cloud.Error{Kind: kind, Op: op, Resource: "image", ID: id, Field: field, Msg: fmt.Sprintf(format, args...)}
}

func invalid(op, field, format string, args ...any) *cloud.Error {
	return fault(cloud.Invalid, op, "", field, format, args...)
}
