package front

import (
	"io"
	"net/http"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// Response is the answer to a call.
type Response struct {
	Status int
	// Body is rendered as JSON, if not nil.
	Body any
	// Raw is sent as it is, if not nil, with the Content-Type of Header.
	Raw []byte
	// Stream is copied to the client and closed by the front, if not nil. An
	// error while reading it cuts the connection, so that the client sees it.
	Stream io.ReadCloser
	// Length is the number of bytes of Stream, or -1 if it is not known.
	Length int64
	Header http.Header
}

// OK answers 200 with a JSON body.
func OK(body any) *Response { return &Response{Status: http.StatusOK, Body: body} }

// Created answers 201 with a JSON body.
func Created(body any) *Response { return &Response{Status: http.StatusCreated, Body: body} }

// Accepted answers 202 with a JSON body, which may be nil.
func Accepted(body any) *Response { return &Response{Status: http.StatusAccepted, Body: body} }

// NoContent answers 204.
func NoContent() *Response { return &Response{Status: http.StatusNoContent} }

// With sets a response header, whose value is made fit to be one, and returns the
// response.
func (r *Response) With(name, value string) *Response {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set(name, oneLine(value))
	return r
}

// statusError is an error whose HTTP status is not its kind's: protocol errors
// of the front itself.
type statusError struct {
	status int
	allow  string
}

func (e *statusError) Error() string { return http.StatusText(e.status) }

func errMethod(allow string) *cloud.Error {
	return &cloud.Error{Kind: cloud.Invalid, Msg: "The method is not allowed for this resource; allowed: " + allow + ".",
		Err: &statusError{http.StatusMethodNotAllowed, allow}}
}

func errVersion(msg string) *cloud.Error {
	return &cloud.Error{Kind: cloud.Invalid, Msg: msg, Err: &statusError{http.StatusNotAcceptable, ""}}
}

func errMediaType(msg string) *cloud.Error {
	return &cloud.Error{Kind: cloud.Invalid, Msg: msg, Err: &statusError{http.StatusUnsupportedMediaType, ""}}
}
