package plugin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/plugin/driverpb"
)

// classes are the errors that cross the wire as such.
var classes = []struct {
	err  error
	code codes.Code
}{
	{hypervisor.ErrNotFound, codes.NotFound},
	{hypervisor.ErrInvalid, codes.InvalidArgument},
	{hypervisor.ErrUnsupported, codes.Unimplemented},
	{hypervisor.ErrUnavailable, codes.Unavailable},
	{context.Canceled, codes.Canceled},
	{context.DeadlineExceeded, codes.DeadlineExceeded},
}

// toStatus makes an error of the driver one that can be sent.
func toStatus(err error) error {
	if err == nil {
		return nil
	}
	code := codes.Unknown
	for _, c := range classes {
		if errors.Is(err, c.err) {
			code = c.code
			break
		}
	}
	st, detailErr := status.New(code, strings.ToValidUTF8(err.Error(), "\uFFFD")).WithDetails(&driverpb.Failure{})
	if detailErr != nil {
		return status.Error(codes.Internal, detailErr.Error())
	}
	return st.Err()
}

// failure is an error of the driver, received.
type failure struct {
	text  string
	class error // nil: none
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.class }

// fromStatus is the other way of toStatus. lost tells that the connection is gone,
// and so the process is.
func fromStatus(ctx context.Context, err error) (lost bool, _ error) {
	st := status.Convert(err)
	for _, d := range st.Details() {
		if _, ok := d.(*driverpb.Failure); !ok {
			continue
		}
		f := &failure{text: st.Message()}
		for _, c := range classes {
			if c.code == st.Code() {
				f.class = c.err
			}
		}
		return false, f
	}
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case st.Code() == codes.DeadlineExceeded:
		return false, context.DeadlineExceeded
	case st.Code() == codes.Unimplemented: // by a program older than this one
		return false, &failure{text: st.Message(), class: hypervisor.ErrUnsupported}
	}
	lost = st.Code() == codes.Unavailable || st.Code() == codes.Canceled
	return lost, fmt.Errorf("%w: the driver's process: %s", hypervisor.ErrUnavailable, st.Message())
}
