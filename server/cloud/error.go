package cloud

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Kind is the class of an error: what a program may decide by.
type Kind uint8

// The kinds, a closed list.
const (
	Internal        Kind = iota // a bug or a broken invariant; the user can do nothing
	Invalid                     // the request itself is wrong, whatever the cloud's state
	Unauthenticated             // no proof, or no valid proof, of who asks
	Forbidden                   // known caller, but policy says no
	NotFound                    // no such thing, or none the caller may see
	Conflict                    // the cloud's state forbids it now
	Precondition                // an If-Match or similar condition does not hold
	Quota                       // a limit of the project would be exceeded
	NoCapacity                  // no host has room or the wanted qualities
	Unavailable                 // a part that is needed does not answer; trying again may help
	Unsupported                 // a real API call that this cloud does not offer
	TooLarge                    // the body or one of its parts is over the limit
)

var kindNames = [...]string{"internal", "invalid", "unauthenticated", "forbidden", "not found", "conflict",
	"precondition", "quota", "no capacity", "unavailable", "unsupported", "too large"}

// String returns the kind in lower-case words.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", k)
}

// Status returns the HTTP status that answers an error of this kind (RFC 9110).
// A dialect may differ where its API reference does (Neutron answers 409 to an
// exceeded quota, Nova 403).
func (k Kind) Status() int {
	switch k {
	case Invalid:
		return http.StatusBadRequest
	case Unauthenticated:
		return http.StatusUnauthorized
	case Forbidden, Quota:
		return http.StatusForbidden
	case NotFound:
		return http.StatusNotFound
	case Conflict, NoCapacity:
		return http.StatusConflict
	case Precondition:
		return http.StatusPreconditionFailed
	case Unavailable:
		return http.StatusServiceUnavailable
	case Unsupported:
		return http.StatusNotImplemented
	case TooLarge:
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusInternalServerError
}

// Error is an error told to a user.
type Error struct {
	Kind     Kind
	Op       string // what was being done, NounVerb: "PortCreate"
	Resource string // the type of thing: "port"
	ID       string // which one, where known
	Field    string // JSON pointer (RFC 6901) into the request body at fault: "/port/fixed_ips/0/subnet_id"
	Msg      string // for the user: what was wrong and what would be right
	Err      error  // for the log: the cause
}

// Error renders everything, for logs; users see Msg.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	b.WriteString(e.Kind.String())
	if e.Resource != "" {
		b.WriteString(" " + e.Resource)
	}
	if e.ID != "" {
		b.WriteString(" " + e.ID)
	}
	if e.Msg != "" {
		b.WriteString(": " + e.Msg)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// At returns a copy of e that points at a field of the request (a JSON pointer).
func (e *Error) At(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// Because returns a copy of e with a cause for the log.
func (e *Error) Because(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// Errorf makes an error of a kind about a type of resource. Its message is for
// the user.
func Errorf(k Kind, resource, format string, args ...any) *Error {
	return &Error{Kind: k, Resource: resource, Msg: fmt.Sprintf(format, args...)}
}

// Missing is the error for an id that does not exist or may not be seen:
// both look the same, so that ids cannot be guessed.
func Missing(resource, id string) *Error {
	return &Error{Kind: NotFound, Resource: resource, ID: id, Msg: fmt.Sprintf("%s %s could not be found.", resource, id)}
}

// AsError returns err as *Error: the one in its chain, or a new Internal one
// around it. It returns nil for nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: Internal, Msg: "The server met an unexpected condition; the request id finds it in its log.", Err: err}
}

// KindOf returns the kind of err; Internal for one that is not an *Error.
func KindOf(err error) Kind { return AsError(err).Kind }

// Is reports whether err is an *Error of kind k.
func Is(err error, k Kind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == k
}
