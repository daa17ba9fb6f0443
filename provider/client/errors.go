package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// AddError adds err as a diagnostic: on the attribute that the cloud says is at
// fault, if fields knows it, in the cloud's own words and with its request id.
func AddError(diags *diag.Diagnostics, summary string, err error, fields Fields) {
	if err == nil {
		return
	}
	text := explain(err).Error()
	if at, ok := fields.find(fieldOf(err)); ok {
		diags.AddAttributeError(at, summary, text)
		return
	}
	diags.AddError(summary, text)
}

// find returns the attribute of the longest known prefix of a JSON pointer; the
// empty one is a prefix of all, and of none.
func (f Fields) find(pointer string) (path.Path, bool) {
	for p := pointer; p != ""; {
		if at, ok := f[p]; ok {
			return at, true
		}
		p = p[:strings.LastIndexByte(p, '/')]
	}
	at, ok := f[""]
	return at, ok
}

// At returns err with the field that it is about, as a JSON pointer, unless the
// cloud itself names one. It is nil for a nil err.
func At(field string, err error) error {
	if err == nil || fieldOf(err) != "" {
		return err
	}
	return located{err, field}
}

type located struct {
	error
	field string
}

func (l located) Unwrap() error { return l.error }

func fieldOf(err error) string {
	if l, ok := errors.AsType[located](err); ok {
		return l.field
	}
	var e gophercloud.ErrUnexpectedResponseCode
	if errors.As(err, &e) {
		return e.ResponseHeader.Get("Cloudlet-Field")
	}
	return ""
}

// explain turns gophercloud's error into what the cloud said.
func explain(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("The cloud has not done this in the time that it was given, and may still be at it. The timeouts block gives it more.\n\n(%w)", err)
	}
	var e gophercloud.ErrUnexpectedResponseCode
	if !errors.As(err, &e) {
		return err
	}
	msg := message(e.Body)
	if msg == "" {
		msg = http.StatusText(e.Actual)
	}
	id := e.ResponseHeader.Get("X-Openstack-Request-Id")
	if id != "" {
		id = ", request id " + id
	}
	return fmt.Errorf("%s\n\n(%s %s answered %d%s)", msg, e.Method, e.URL, e.Actual, id)
}

// message finds the words for the user in any of OpenStack's error envelopes:
// {"badRequest": {"message": …}}, {"NeutronError": {"message": …}},
// {"error": {"message": …}}, or plain text.
func message(body []byte) string {
	var outer map[string]json.RawMessage
	if json.Unmarshal(body, &outer) != nil {
		text := strings.TrimSpace(string(body))
		if strings.HasPrefix(text, "<") || len(text) > 2000 {
			return ""
		}
		return text
	}
	for _, raw := range outer {
		var inner struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(raw, &inner) == nil && inner.Message != "" {
			return inner.Message
		}
		var s string
		if json.Unmarshal(raw, &s) == nil && s != "" {
			return s
		}
	}
	return ""
}
