package identity

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/managed"
)

// scribe notes each call, and answers it with fails, or as the identity API does
// if all is well.
type scribe struct {
	calls  []string
	fails  int
	answer string
}

var well = map[string]int{http.MethodPost: 201, http.MethodGet: 200, http.MethodPatch: 200, http.MethodPut: 204, http.MethodDelete: 204}

func (s *scribe) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body any
	line := r.Method + " " + r.URL.RequestURI()
	if json.NewDecoder(r.Body).Decode(&body) == nil {
		b, _ := json.Marshal(body) // members in order
		line += " " + string(b)
	}
	s.calls = append(s.calls, line)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(cmp.Or(s.fails, well[r.Method]))
	fmt.Fprint(w, s.answer)
}

func newScribe(t *testing.T, fails int, answer string) (*scribe, *gophercloud.ServiceClient) {
	t.Helper()
	s := &scribe{fails: fails, answer: answer}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, &gophercloud.ServiceClient{ProviderClient: &gophercloud.ProviderClient{}, Endpoint: server.URL + "/", Type: "identity"}
}

type thing struct {
	managed.Common
	Name      types.String
	DomainID  types.String
	Email     types.String
	Immutable types.Bool
}

type thingWire struct {
	ID string `json:"id"`
}

func (m *thing) Attributes() []client.Attribute {
	return []client.Attribute{
		{Wire: "name", Value: m.Name, Update: true},
		{Wire: "domain_id", Value: m.DomainID},
		{Wire: "email", Value: m.Email, Update: true},
		{Wire: "options", Value: Immutable(m.Immutable), Update: true},
	}
}

func (m *thing) Fill(_ context.Context, w thingWire, _ *diag.Diagnostics) {
	m.ID = types.StringValue(w.ID)
}

func newThing(name, domain, email string, immutable bool) thing {
	return thing{Common: managed.Common{Thing: managed.Thing{ID: types.StringValue("1")}}, Name: types.StringValue(name), DomainID: types.StringValue(domain),
		Email: client.StringOrNull(email), Immutable: types.BoolValue(immutable)}
}

func things(k Kind[thing, thingWire]) managed.Kind[thing, thingWire] {
	k.Name, k.Plural = "thing", "things"
	return New(k).Kind
}

func TestUpdate(t *testing.T) {
	secrets := func(c managed.Change[thing]) map[string]any {
		if c.State.Name == c.Plan.Name {
			return nil
		}
		return map[string]any{"password": "new"}
	}
	for _, x := range []struct {
		name        string
		plan, state thing
		want        []string
	}{
		{"nothing", newThing("a", "d", "", false), newThing("a", "d", "", false), nil},
		{"what differs, with the secret", newThing("b", "d", "", false), newThing("a", "d", "", false), []string{`PATCH /things/1 {"thing":{"name":"b","password":"new"}}`}},
		{"what is given no more", newThing("a", "d", "", false), newThing("a", "d", "a@b", false), []string{`PATCH /things/1 {"thing":{"email":null}}`}},
		{"what cannot change is not sent", newThing("a", "e", "", false), newThing("a", "d", "", false), nil},
		{"protection comes with the change", newThing("a", "d", "a@b", true), newThing("a", "d", "", false), []string{`PATCH /things/1 {"thing":{"email":"a@b","options":{"immutable":true}}}`}},
		{"protection goes before it", newThing("a", "d", "a@b", false), newThing("a", "d", "", true),
			[]string{`PATCH /things/1 {"thing":{"options":{"immutable":false}}}`, `PATCH /things/1 {"thing":{"email":"a@b"}}`}},
		{"protection goes alone", newThing("a", "d", "", false), newThing("a", "d", "", true), []string{`PATCH /things/1 {"thing":{"options":{"immutable":false}}}`}},
	} {
		log, s := newScribe(t, 0, `{}`)
		if err := things(Kind[thing, thingWire]{Secrets: secrets}).Update(t.Context(), s, managed.Change[thing]{Plan: x.plan, State: &x.state}); err != nil || !slices.Equal(log.calls, x.want) {
			t.Errorf("%s: %q, %v; want %q", x.name, log.calls, err, x.want)
		}
	}
}

func TestCreateAndDelete(t *testing.T) {
	one, another := newThing("a", "d", "", false), newThing("a", client.UnknownID, "", false)
	body := `{"domain_id":"d","name":"a","options":{"immutable":false}}`
	for _, x := range []struct {
		name, answer string
		kind         Kind[thing, thingWire]
		plan         thing
		want         []string
		fails        error
	}{
		{"one", `{"thing":{"id":"7"}}`, Kind[thing, thingWire]{}, one, []string{`POST /things {"thing":` + body + `}`, "DELETE /things/7"}, nil},
		{"in a list", `{"things":[{"id":"7"}]}`, Kind[thing, thingWire]{Many: true}, one, []string{`POST /things {"things":[` + body + `]}`, "DELETE /things/7"}, nil},
		{"disabled first", `{"thing":{"id":"7"}}`, Kind[thing, thingWire]{Retire: map[string]any{"enabled": false}}, one,
			[]string{`POST /things {"thing":` + body + `}`, `PATCH /things/7 {"thing":{"enabled":false}}`, "DELETE /things/7"}, nil},
		{"in a domain that is one of several", ``, Kind[thing, thingWire]{}, another, nil, managed.ErrNotAsked},
	} {
		log, s := newScribe(t, 0, x.answer)
		k := things(x.kind)
		w, err := k.Create(t.Context(), s, managed.Change[thing]{Plan: x.plan})
		if err == nil {
			err = k.Delete(t.Context(), s, w.ID)
		}
		if !errors.Is(err, x.fails) || !slices.Equal(log.calls, x.want) {
			t.Errorf("%s: %q, %v; want %q", x.name, log.calls, err, x.want)
		}
	}
	log, s := newScribe(t, 0, `{"things":[]}`)
	if w, err := things(Kind[thing, thingWire]{Many: true}).Create(t.Context(), s, managed.Change[thing]{Plan: one}); err == nil {
		t.Errorf("an empty list gave %v after %q", w, log.calls)
	}
}

// An error points at the attribute, whichever way the API names the field.
func TestFields(t *testing.T) {
	text := schema.StringAttribute{}
	k := Kind[thing, thingWire]{Name: "thing", Plural: "things", Schema: map[string]schema.Attribute{"name": text, "secret_wo": text}, At: map[string]string{"secret": "secret_wo"}}
	many := k
	many.Many = true
	for _, x := range []struct {
		kind        Kind[thing, thingWire]
		field, want string
	}{
		{k, "/thing/name", "name"}, {k, "/thing/name/0", "name"}, {k, "/thing/secret", "secret_wo"}, {k, "/thing/other", ""},
		{many, "/things/0/name", "name"}, {many, "/thing/name", "name"},
	} {
		var diags diag.Diagnostics
		client.AddError(&diags, "", gophercloud.ErrUnexpectedResponseCode{Actual: 400, ResponseHeader: http.Header{"Cloudlet-Field": {x.field}}}, x.kind.fields())
		got := ""
		if d, ok := diags[0].(diag.DiagnosticWithPath); ok {
			got = d.Path().String()
		}
		if got != x.want {
			t.Errorf("%s is at %q, want %q", x.field, got, x.want)
		}
	}
}

func TestOwn(t *testing.T) {
	_, s := newScribe(t, 0, "")
	own := Own(&client.Client{Identity: s, UserID: "u/1"})
	if got, want := strings.TrimPrefix(own.ServiceURL("things"), s.Endpoint), "users/u%2F1/things"; got != want || s.ServiceURL("x") != s.Endpoint+"x" {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestFind(t *testing.T) {
	var server *httptest.Server
	pages := map[string]string{"": `{"things":[{"id":"1"},{"id":"2"}],"links":{"next":"NEXT/things?marker=2"}}`, "2": `{"things":[{"id":"3"}],"links":{"next":null}}`, "bad": `{"things":7,"links":{}}`}
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.ReplaceAll(pages[r.URL.Query().Get("marker")], "NEXT", server.URL))
	}))
	defer server.Close()
	s := &gophercloud.ServiceClient{ProviderClient: &gophercloud.ProviderClient{}, Endpoint: server.URL + "/"}
	all, err := Find[thingWire](t.Context(), s, "things", url.Values{})
	if err != nil || len(all) != 3 || all[2].ID != "3" {
		t.Errorf("%v, %v", all, err)
	}
	if all, err := Find[thingWire](t.Context(), s, "things", url.Values{"marker": {"bad"}}); err == nil {
		t.Errorf("a list that is none gave %v", all)
	}
}
