//go:build cgo

package libvirt

import (
	"errors"
	"fmt"

	"libvirt.org/go/libvirt"

	"github.com/cloudlet/cloudlet/hypervisor"
)

// explain gives an error its class of the contract's.
func (l *link) explain(err error) error {
	e, ok := errors.AsType[libvirt.Error](err)
	if !ok {
		return err
	}
	if e.Domain == libvirt.FROM_RPC || e.Code == libvirt.ERR_RPC || e.Code == libvirt.ERR_INVALID_CONN || e.Code == libvirt.ERR_NO_CONNECT {
		l.alive() // has it noticed now, rather than when the event loop comes to it
		return fmt.Errorf("%w: %w", hypervisor.ErrUnavailable, plain(err))
	}
	switch e.Code {
	case libvirt.ERR_NO_DOMAIN:
		return fmt.Errorf("%w: %w", hypervisor.ErrNotFound, plain(err))
	case libvirt.ERR_NO_SUPPORT, libvirt.ERR_OPERATION_UNSUPPORTED, libvirt.ERR_ARGUMENT_UNSUPPORTED, libvirt.ERR_CONFIG_UNSUPPORTED:
		return fmt.Errorf("%w: %w", hypervisor.ErrUnsupported, plain(err))
	}
	return plain(err)
}

// undefinable classes an error of defining a domain: what libvirt refuses for the
// definition's sake no guest can be.
func undefinable(err error) error {
	e, ok := errors.AsType[libvirt.Error](err)
	if !ok || e.Domain == libvirt.FROM_RPC {
		return err
	}
	switch e.Code {
	case libvirt.ERR_CONFIG_UNSUPPORTED, libvirt.ERR_XML_ERROR, libvirt.ERR_XML_DETAIL, libvirt.ERR_INVALID_ARG,
		libvirt.ERR_OPERATION_FAILED, libvirt.ERR_ARGUMENT_UNSUPPORTED, libvirt.ERR_NO_DOMAIN, libvirt.ERR_OS_TYPE:
		return fmt.Errorf("%w: %w", hypervisor.ErrInvalid, plain(err))
	}
	return err
}

// plain is libvirt's own message, without the numbers around it.
func plain(err error) error {
	if e, ok := errors.AsType[libvirt.Error](err); ok {
		return errors.New("libvirt: " + e.Message)
	}
	return err
}

// is tells whether err is libvirt's with the code.
func is(err error, code libvirt.ErrorNumber) bool {
	e, ok := errors.AsType[libvirt.Error](err)
	return ok && e.Code == code
}
