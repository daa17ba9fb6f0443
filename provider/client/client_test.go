package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// newTestClient returns a client of a server that says it knows the extensions.
func newTestClient(t *testing.T, extensions string, h http.HandlerFunc) (*Client, *gophercloud.ServiceClient) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cloudlet-Extensions", extensions)
		if r.URL.Path == "/" {
			fmt.Fprint(w, "{}")
			return
		}
		h(w, r)
	}))
	t.Cleanup(srv.Close)
	s := &gophercloud.ServiceClient{ProviderClient: &gophercloud.ProviderClient{}, Endpoint: srv.URL + "/"}
	return &Client{session: "tf-test", knows: map[string]bool{}, made: map[string][]string{}}, s
}

func TestWaitIsHeldByTheServer(t *testing.T) {
	calls := 0
	c, s := newTestClient(t, "plan, wait", func(w http.ResponseWriter, r *http.Request) {
		calls++
		if calls == 1 {
			if r.Header.Get("If-None-Match") != "" {
				t.Error("the first GET has nothing to compare with")
			}
			w.Header().Set("ETag", `"one"`)
			fmt.Fprint(w, `{"server": {"status": "BUILD"}}`)
			return
		}
		if r.Header.Get("If-None-Match") != `"one"` || r.Header.Get("Prefer") != "wait=60" {
			t.Errorf("GET %d asks with %q, %q", calls, r.Header.Get("If-None-Match"), r.Header.Get("Prefer"))
		}
		if calls == 2 {
			w.Header().Set("ETag", `"one"`)
			w.Header().Set("Preference-Applied", "wait=60")
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, `{"server": {"status": "ACTIVE"}}`)
	})
	var seen []string
	err := c.Wait(t.Context(), s, s.ServiceURL("servers", "x"), func(body []byte) (bool, error) {
		v, err := Into[struct{ Status string }](body, "server")
		seen = append(seen, v.Status)
		return v.Status == "ACTIVE", err
	})
	if err != nil || strings.Join(seen, " ") != "BUILD ACTIVE" || calls != 3 {
		t.Errorf("%v after %d calls: %v", seen, calls, err)
	}
}

// A cloud that holds too many GETs already is not asked in a tight loop.
func TestWaitIsRefused(t *testing.T) {
	calls := 0
	c, s := newTestClient(t, "wait", func(w http.ResponseWriter, r *http.Request) {
		calls++
		w.Header().Set("ETag", `"one"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, "{}")
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := c.Wait(ctx, s, s.ServiceURL("x"), func([]byte) (bool, error) { return false, nil })
	if !errors.Is(err, context.DeadlineExceeded) || calls != 2 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestWaitGone(t *testing.T) {
	c, s := newTestClient(t, "wait", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	if err := c.WaitGone(t.Context(), s, s.ServiceURL("servers", "x"), nil); err != nil {
		t.Error(err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, s := newTestClient(t, "", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") })
	err := c.Wait(ctx, s, s.ServiceURL("x"), func([]byte) (bool, error) { cancel(); return false, nil })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// What changes the cloud goes on when Terraform is interrupted, up to its deadline.
func TestDeadlineOutlivesAnInterrupt(t *testing.T) {
	c := &Client{}
	interrupted, cancel := context.WithCancel(t.Context())
	ctx, done := c.Deadline(interrupted, time.Hour)
	defer done()
	cancel()
	if ctx.Err() != nil {
		t.Error("Ctrl-C ends a call that changes the cloud")
	}
	if _, ok := ctx.Deadline(); !ok {
		t.Error("the call has no deadline")
	}
	if !c.applying.Load() {
		t.Error("the process still asks plan questions")
	}
}

func TestPlan(t *testing.T) {
	refused := func(ctx context.Context, s *gophercloud.ServiceClient) error {
		_, err := s.Post(ctx, s.ServiceURL("things"), map[string]any{}, nil, nil)
		return err
	}
	var session string
	c, s := newTestClient(t, "plan", func(w http.ResponseWriter, r *http.Request) {
		session = r.Header.Get("Cloudlet-Plan")
		w.Header().Add("Cloudlet-Plan-Warning", "tight")
		w.Header().Set("Cloudlet-Field", "/thing/list/3/name")
		w.Header().Set("X-Openstack-Request-Id", "req-1")
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"conflictingRequest": {"code": 409, "message": "It is taken."}}`)
	})
	var diags diag.Diagnostics
	c.Plan(t.Context(), s, &diags, Fields{"/thing/list": path.Root("list"), "/thing": path.Root("thing")}, refused)
	if session != "tf-test" || diags.WarningsCount() != 1 || diags.ErrorsCount() != 1 {
		t.Fatalf("session %q, %v", session, diags)
	}
	e, ok := diags.Errors()[0].(diag.DiagnosticWithPath)
	if !ok || !e.Path().Equal(path.Root("list")) || !strings.Contains(e.Detail(), "It is taken.") || !strings.Contains(e.Detail(), "req-1") {
		t.Errorf("%v", diags.Errors()[0])
	}
	session, diags = "", nil
	c.applying.Store(true)
	c.Plan(t.Context(), s, &diags, nil, refused)
	if session != "" || len(diags) > 0 {
		t.Errorf("asked after the cloud has changed: %v", diags)
	}
}

// On a cloud that does not say that it knows plan sessions nothing is sent: it
// would be done.
func TestPlanAsksNoStranger(t *testing.T) {
	c, s := newTestClient(t, "wait, planet", func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s %s is sent", r.Method, r.URL) })
	var diags diag.Diagnostics
	c.Plan(t.Context(), s, &diags, nil, func(ctx context.Context, s *gophercloud.ServiceClient) error {
		_, err := s.Delete(ctx, s.ServiceURL("things"), nil)
		return err
	})
	if len(diags) > 0 || c.Also(t.Context(), s) != nil {
		t.Error(diags)
	}
}

func TestPlanDeleteAndKeepOverlookWhatMayChange(t *testing.T) {
	status, field := 0, ""
	c, s := newTestClient(t, "plan", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cloudlet-Plan-Warning", "tight")
		if field != "" {
			w.Header().Set("Cloudlet-Field", field)
		}
		w.WriteHeader(status)
	})
	call := func(ctx context.Context, s *gophercloud.ServiceClient) error {
		_, err := s.Delete(ctx, s.ServiceURL("things"), nil)
		return err
	}
	for _, x := range []struct {
		status            int
		field             string
		deleting, keeping int
	}{{204, "", 0, 0}, {403, "", 1, 0}, {404, "", 0, 0}, {409, "", 0, 0}, {409, "/thing/size", 0, 1}} {
		status, field = x.status, x.field
		var deleting, keeping diag.Diagnostics
		c.PlanDelete(t.Context(), s, &deleting, call)
		c.PlanKeep(t.Context(), s, &keeping, nil, call)
		if deleting.ErrorsCount() != x.deleting || len(keeping) != x.keeping {
			t.Errorf("%d %s: %v, %v", x.status, x.field, deleting, keeping)
		}
	}
}

func TestMeant(t *testing.T) {
	c := &Client{made: map[string][]string{}}
	unknown, known := types.StringValue(UnknownID), types.StringValue("k")
	if got := c.Meant("network", unknown); !got.Equal(unknown) {
		t.Errorf("of none: %v", got)
	}
	c.Made("network", "n")
	if got := c.Meant("network", unknown); got.ValueString() != "n" {
		t.Errorf("of one: %v", got)
	}
	if got := c.Meant("network", known); !got.Equal(known) {
		t.Errorf("what is known changes: %v", got)
	}
	if got := c.Meant("flavor", unknown); !got.Equal(unknown) {
		t.Errorf("of another kind: %v", got)
	}
	c.Made("network", "m")
	if got := c.Meant("network", unknown); !got.Equal(unknown) {
		t.Errorf("of two: %v", got)
	}
}

func TestMessage(t *testing.T) {
	for body, want := range map[string]string{
		`{"badRequest": {"code": 400, "message": "nova"}}`:                         "nova",
		`{"NeutronError": {"type": "X", "message": "neutron", "detail": ""}}`:      "neutron",
		`{"error": {"code": 401, "message": "keystone", "title": "Unauthorized"}}`: "keystone",
		`plain`:                  "plain",
		`<html>a proxy's</html>`: "",
		`{}`:                     "",
	} {
		if got := message([]byte(body)); got != want {
			t.Errorf("%s: %q", body, got)
		}
	}
}

// A cloud that was away knows nothing of what the plan did before: to go on would
// be to refuse what is right.
func TestPlanEndsWhenTheCloudWasAway(t *testing.T) {
	c, s := newTestClient(t, "plan", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	var diags diag.Diagnostics
	c.Plan(t.Context(), s, &diags, nil, func(ctx context.Context, s *gophercloud.ServiceClient) error {
		c.away.Store(true)
		_, err := s.Get(ctx, s.ServiceURL("things"), nil, nil)
		return err
	})
	c.Plan(t.Context(), s, &diags, nil, func(context.Context, *gophercloud.ServiceClient) error { t.Error("asked again"); return nil })
	if diags.HasError() || diags.WarningsCount() != 1 {
		t.Error(diags)
	}
}

func TestAtNamesAField(t *testing.T) {
	said := gophercloud.ErrUnexpectedResponseCode{Actual: 400, ResponseHeader: http.Header{"Cloudlet-Field": {"/name"}}}
	fields := Fields{"/name": path.Root("name"), "/stores": path.Root("stores")}
	for want, err := range map[string]error{"stores": At("/stores", errors.New("none")), "name": At("/stores", said)} {
		var diags diag.Diagnostics
		AddError(&diags, "wrong", fmt.Errorf("more: %w", err), fields)
		if d, ok := diags[0].(diag.DiagnosticWithPath); !ok || !d.Path().Equal(path.Root(want)) {
			t.Errorf("%v is not on %s: %v", err, want, diags)
		}
	}
	if At("/stores", nil) != nil {
		t.Error("no error is one")
	}
}

func TestLateIsSaid(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	var diags diag.Diagnostics
	AddError(&diags, "late", fmt.Errorf("waiting: %w", ctx.Err()), nil)
	if d := diags[0].Detail(); !strings.Contains(d, "timeouts block") || !strings.Contains(d, "waiting: ") {
		t.Error(d)
	}
}
