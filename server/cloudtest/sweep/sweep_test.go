package sweep

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/api/front/policy"
)

var update = flag.Bool("update", false, "write testdata/uncovered.txt")

// Every route, in every way of being wrong that there is a trial for.
func TestSweep(t *testing.T) {
	w := newWorld(t)
	all := routes()
	if len(all) < 400 {
		t.Fatalf("only %d routes", len(all))
	}
	for _, tr := range trials {
		t.Run(tr.name, func(t *testing.T) {
			c := &course{world: w, T: t, trial: tr.name, faults: map[string][]string{}}
			for _, rt := range all {
				tr.try(c, rt)
			}
			c.finish()
		})
	}
	t.Logf("%d routes, %d trials, %d requests", len(all), len(trials), w.requests)
}

// course is one trial, for all routes.
type course struct {
	*world
	*testing.T
	trial  string
	faults map[string][]string // by call
}

// fault tells what is wrong with a call: first what was tried, then what came of it.
func (c *course) fault(rt route, format string, args ...any) {
	c.faults[rt.call] = append(c.faults[rt.call], fmt.Sprintf(format, args...))
}

// finish compares the faults with those there is a reason for. One of each call is told.
func (c *course) finish() {
	for _, call := range slices.Sorted(maps.Keys(c.faults)) {
		e, known := exempt[c.trial][call]
		left := slices.DeleteFunc(slices.Clone(c.faults[call]), func(f string) bool { return known && strings.HasPrefix(f, e.what) })
		if len(left) > 0 {
			c.T.Errorf("%s: %s", call, left[0])
		}
		if known && len(left) == len(c.faults[call]) {
			c.T.Errorf("%s needs no exemption for %q (%s)", call, e.what, e.why)
		}
	}
	for call, e := range exempt[c.trial] {
		if len(c.faults[call]) == 0 {
			c.T.Errorf("%s needs no exemption (%s)", call, e.why)
		}
	}
}

// try sends a call that must be answered with one of the statuses and change nothing.
func (c *course) try(rt route, what string, rq request, want ...int) answer {
	a := c.look(rt, what, rq)
	if !slices.Contains(want, a.status) {
		c.fault(rt, "%s: %d, want %v: %.300s", what, a.status, want, a.body)
	}
	return a
}

// look sends a call that may be answered with anything that is no failure, and must
// change nothing.
func (c *course) look(rt route, what string, rq request) answer {
	before := c.revision()
	a := c.send(rq)
	if c.revision() != before {
		c.fault(rt, "%s: answered %d, and changed the state", what, a.status)
	}
	if wrong := amiss(rt, rq.method, a); wrong != "" {
		c.fault(rt, "%s: %d: %s: %.300s", what, a.status, wrong, a.body)
	}
	return a
}

// spoiled sends a call to a plan session, and then, unless that takes it, in earnest:
// the answers are the same. Accepted tells that it was, or would be, taken.
func (c *course) spoiled(rt route, what string, rq request, want ...int) (accepted bool) {
	planned := 0
	if rq.method != "GET" && rq.method != "HEAD" {
		c.fresh++
		plan := rq
		plan.header = append(slices.Clone(rq.header), "Cloudlet-Plan", fmt.Sprintf("s%d", c.fresh))
		a := c.look(rt, what+", planned", plan)
		if a.status < 300 {
			return true
		}
		if rt.Rule != front.Public {
			planned = a.status
		} else if len(want) == 0 {
			return false // nobody authenticates in a session; in earnest it may be taken, and end all tokens
		}
	}
	a := c.look(rt, what, rq)
	if planned != 0 && planned != a.status {
		c.fault(rt, "%s: planned %d, in earnest %d: %.300s", what, planned, a.status, a.body)
	}
	if a.status >= 300 && len(want) > 0 && !slices.Contains(want, a.status) {
		c.fault(rt, "%s: %d, want %v: %.300s", what, a.status, want, a.body)
	}
	return a.status < 300
}

// amiss is what no answer may be.
func amiss(rt route, method string, a answer) string {
	if a.header.Get("X-Openstack-Request-Id") == "" {
		return "no request id"
	}
	if rt.service == "compute" && a.header.Get("X-Compute-Request-Id") == "" {
		return "no X-Compute-Request-Id"
	}
	if a.status >= 500 && a.status != http.StatusNotImplemented {
		return "a failure of the server's"
	}
	if a.status < 400 || method == "HEAD" {
		return ""
	}
	var top map[string]any
	if err := json.Unmarshal(a.body, &top); err != nil || a.header.Get("Content-Type") != "application/json" {
		return "no JSON"
	}
	return envelope(rt.service, a.status, top)
}

// novaFaults are the members that Nova names its faults by.
var novaFaults = map[int]string{400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound", 405: "badMethod", 409: "conflictingRequest", 413: "overLimit", 415: "badMediaType", 501: "notImplemented", 503: "serviceUnavailable"}

// envelope is what is wrong with the shape of an error.
func envelope(service string, status int, top map[string]any) string {
	name := map[string]string{"identity": "error", "image": "error", "networking": "NeutronError", "compute": "computeFault"}[service]
	if service == "compute" && novaFaults[status] != "" {
		name = novaFaults[status]
	}
	e, ok := top[name].(map[string]any)
	if !ok || len(top) != 1 {
		return "not in the envelope " + name
	}
	if text, _ := e["message"].(string); text == "" {
		return "no message"
	}
	if service == "networking" {
		if text, _ := e["type"].(string); text == "" {
			return "no type"
		}
		return ""
	}
	if e["code"] != float64(status) {
		return "another code"
	}
	return ""
}

// Every rule that a row asks is one that policy has: an unknown one lets nobody pass.
func TestRulesAreKnown(t *testing.T) {
	rules, err := policy.Load("")
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range routes() {
		if rt.Rule == front.Public || rt.Rule == front.Authenticated {
			continue
		}
		if _, err := rules.Rule(rt.Rule); err != nil {
			t.Errorf("%s: %v", rt.call, err)
		}
	}
}

// What cannot be swept whole is known, and becomes less only.
func TestUncovered(t *testing.T) {
	w := &world{T: t, kept: map[string]string{"user": "x", "project": "x", "host": "x", "requesttoken": "x", "accesstoken": "x", "lentrole": "x", "task": "x", "accessrule": "x", "request": "x", "networkname": "x"}}
	for _, s := range samples {
		if s.keep != "" {
			w.kept[s.keep] = "x"
		}
	}
	var lines []string
	calls := map[string]bool{}
	for _, rt := range routes() {
		calls[rt.call] = true
		segments := strings.Split(rt.path, "/")
		for i, s := range segments {
			if id, _ := w.thing(rt, segments, max(i, 1)); variable.MatchString(s) && id == "" {
				lines = append(lines, "no "+s+" for "+rt.call)
			}
		}
		if rt.sample == nil && rt.Method != "GET" && rt.Method != "HEAD" && rt.Method != "DELETE" {
			lines = append(lines, "no right body for "+rt.call)
		}
	}
	for _, s := range samples {
		if !calls[s.call] {
			t.Errorf("the sample of %s is for no route", s.call)
		}
	}
	text := strings.Join(lines, "\n") + "\n"
	if len(lines) == 0 {
		text = ""
	}
	if *update {
		if err := os.WriteFile("testdata/uncovered.txt", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile("testdata/uncovered.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(golden) != text {
		t.Errorf("testdata/uncovered.txt is\n%sand should be\n%sGive samples_test.go what is new; go test -update writes the list.", golden, text)
	}
}
