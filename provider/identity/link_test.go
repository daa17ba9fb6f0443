package identity

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

type tie struct {
	managed.Common
	GroupID, UserID types.String
}

func (m *tie) Attributes() []client.Attribute {
	return []client.Attribute{{Value: m.GroupID}, {Value: m.UserID}}
}

func (m *tie) Fill(_ context.Context, path string, _ *diag.Diagnostics) { m.Parse(path) }

func (m *tie) Refs() map[string]types.String {
	return map[string]types.String{"group_id": m.GroupID, "user_id": m.UserID}
}

func (m *tie) Path(ids map[string]string) string {
	return "groups/" + ids["group_id"] + "/users/" + ids["user_id"]
}

func (m *tie) Parse(path string) bool {
	p := strings.Split(path, "/")
	if len(p) != 4 {
		return false
	}
	m.GroupID, m.UserID = types.StringValue(p[1]), types.StringValue(p[3])
	return true
}

func TestLink(t *testing.T) {
	k := NewLink[tie](Link{Name: "big_tie"}).Kind
	m := tie{GroupID: types.StringValue("g"), UserID: types.StringValue("u")}
	log, s := newScribe(t, 0, "")
	at := k.Choose(&m)
	made, err := k.Create(t.Context(), s, managed.Change[tie]{Plan: m})
	if err != nil || made != at || m.ID.ValueString() != at {
		t.Errorf("made %q at %q as %s: %v", made, at, m.ID, err)
	}
	if got, err := k.Read(t.Context(), s, at); err != nil || got != at {
		t.Errorf("read %q: %v", got, err)
	}
	if err := k.Delete(t.Context(), s, at); err != nil {
		t.Error(err)
	}
	if want := []string{"PUT /groups/g/users/u", "GET /groups/g/users/u", "DELETE /groups/g/users/u"}; !slices.Equal(log.calls, want) {
		t.Errorf("%q, want %q", log.calls, want)
	}
	if _, err := k.Read(t.Context(), s, "u"); err == nil || !strings.Contains(err.Error(), "the id of a big tie is its path") || len(log.calls) != 3 {
		t.Errorf("an id that is no path: %v after %q", err, log.calls)
	}
	m.UserID = types.StringValue(client.UnknownID)
	if _, err := k.Create(t.Context(), s, managed.Change[tie]{Plan: m}); !errors.Is(err, managed.ErrNotAsked) || len(log.calls) != 3 {
		t.Errorf("with a user of several: %v after %q", err, log.calls)
	}
}

// Not found is said of the attribute whose id the cloud did not find.
func TestLinkBlames(t *testing.T) {
	k := NewLink[tie](Link{Name: "tie"}).Kind
	m := tie{GroupID: types.StringValue("night"), UserID: types.StringValue("ann")}
	for answer, want := range map[string]string{`{"error":{"message":"Could not find user: ann."}}`: "user_id", `{"error":{"message":"Could not find group: night."}}`: "group_id", `{}`: ""} {
		_, s := newScribe(t, 404, answer)
		_, err := k.Create(t.Context(), s, managed.Change[tie]{Plan: m})
		var diags diag.Diagnostics
		client.AddError(&diags, "", err, k.Fields)
		got := ""
		if d, ok := diags[0].(diag.DiagnosticWithPath); ok {
			got = d.Path().String()
		}
		if got != want || !client.NotFound(err) {
			t.Errorf("%s is at %q, want %q: %v", answer, got, want, err)
		}
	}
}
