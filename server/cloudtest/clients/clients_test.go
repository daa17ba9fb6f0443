package clients

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cloudlet/cloudlet/server/cloudtest"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
)

// walk is the cloud and its clients, and what was exercised of them.
type walk struct {
	t     *testing.T
	cloud *cloudtest.Cloud
	with  *interpreters
	typed sync.Map // by script: what its next command's prompts are answered with

	mu        sync.Mutex
	exercised map[string]bool // "openstack user create", "openstack user create --domain"
}

func TestClients(t *testing.T) {
	with := newInterpreters(t)
	web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { fmt.Fprint(rw, "from the web") }))
	defer web.Close()
	c := cloudtest.Start(t, cloudtest.Options{CheckLeaks: true, Stores: []string{"second"}, Locations: true,
		FetchAllow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	w := &walk{t: t, cloud: c, with: with, exercised: map[string]bool{}}
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	config := cloudsFile(t, c.AuthURL())
	var ran atomic.Int32
	ok := t.Run("scripts", func(t *testing.T) {
		testscript.Run(t, testscript.Params{Dir: "testdata", RequireUniqueNames: true,
			Setup: func(e *testscript.Env) error {
				ran.Add(1)
				e.Vars = append(e.Vars, "OS_CLIENT_CONFIG_FILE="+config, "OS_CLOUD=admin", "PASSWORD="+cloudtest.Password, "AUTH_URL="+c.AuthURL(), "WEB="+web.URL)
				return nil
			},
			Cmds: map[string]func(*testscript.TestScript, bool, []string){
				"openstack": w.client("openstack"), "glance": w.client("glance"), "let": let, "type": w.answer, "settled": w.settled}})
	})
	if ok && int(ran.Load()) == len(scripts) {
		w.checkExercised(t, config)
	}
}

// cloudsFile writes a clouds.yaml with who works in the scripts: the administrator,
// the user demo, and the people of the domain people, whom a script makes.
func cloudsFile(t *testing.T, authURL string) string {
	text := "clouds:\n"
	add := func(name, user, domain, scope string) {
		text += fmt.Sprintf("  %s: {region_name: RegionOne, identity_api_version: 3, auth: {auth_url: %q, username: %s, user_domain_name: %s, password: %q, %s}}\n",
			name, authURL, user, domain, cloudtest.Password, scope)
	}
	add("admin", "admin", "Default", "project_name: admin, project_domain_name: Default")
	add("demo", "demo", "Default", "project_name: demo, project_domain_name: Default")
	add("system-admin", "admin", "Default", "system_scope: all")
	add("system-reader", "auditor", "people", "system_scope: all")
	add("domain-manager", "manager", "people", "domain_name: people")
	add("member", "member", "people", "project_name: shop, project_domain_name: people")
	add("reader", "reader", "people", "project_name: shop, project_domain_name: people")
	path := filepath.Join(t.TempDir(), "clouds.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// variables are those of a script that say how its clients log in.
var variables = []string{"OS_CLIENT_CONFIG_FILE", "OS_CLOUD", "OS_AUTH_TYPE", "OS_AUTH_URL", "OS_TOKEN", "OS_PROJECT_ID", "OS_PROJECT_NAME", "OS_PROJECT_DOMAIN_NAME", "OS_TRUST_ID", "OS_IDENTITY_API_VERSION",
	"OS_APPLICATION_CREDENTIAL_ID", "OS_APPLICATION_CREDENTIAL_SECRET", "OS_USERNAME", "OS_USER_DOMAIN_NAME", "OS_PASSWORD", "OS_REGION_NAME", "OS_COMPUTE_API_VERSION"}

// client is the command of a script that runs a client.
func (w *walk) client(name string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		var env []string
		for _, v := range variables {
			if value := ts.Getenv(v); value != "" {
				env = append(env, v+"="+value)
			}
		}
		typed, _ := w.typed.LoadAndDelete(ts)
		rq := request{Args: append([]string{name}, args...), Dir: ts.MkAbs("."), Typed: []string{}}
		if typed != nil {
			rq.Typed = typed.([]string)
		}
		i, err := w.with.get(env)
		ts.Check(err)
		r, err := i.run(rq)
		ts.Check(err)
		fmt.Fprint(ts.Stdout(), r.Stdout)
		fmt.Fprint(ts.Stderr(), r.Stderr)
		switch {
		case neg && r.Code == 0:
			ts.Fatalf("it succeeded")
		case !neg && r.Code != 0:
			ts.Fatalf("code %d", r.Code)
		case !neg:
			w.note(r)
		}
	}
}

func (w *walk) note(r reply) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exercised[r.Name] = true
	for _, o := range r.Options {
		w.exercised[r.Name+" "+o] = true
	}
}

func let(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: let NAME [REGEXP]")
	}
	value := strings.TrimSpace(ts.ReadFile("stdout"))
	if len(args) == 2 {
		found := append(regexp.MustCompile(args[1]).FindStringSubmatch(value), "")
		value = found[max(0, len(found)-2)] // the last group, or the whole
	}
	if value == "" {
		ts.Fatalf("there is nothing to take")
	}
	ts.Setenv(args[0], value)
}

func (w *walk) answer(ts *testscript.TestScript, neg bool, args []string) { w.typed.Store(ts, args) }

// settled waits until images are at rest and have no open task, and instances run or
// are gone.
func (w *walk) settled(ts *testscript.TestScript, neg bool, args []string) {
	for _, id := range args {
		w.cloud.Eventually(w.t, "rest of "+id, func(r statestore.Reader) bool {
			for t := range task.Tasks.By(r, "subject", id) {
				if t.State.Open() {
					return false
				}
			}
			if i, ok := image.Images.Get(r, id); ok {
				return i.Status == image.Active || i.Status == image.Queued
			}
			i, ok := compute.Instances.Get(r, id)
			return !ok || i.State == compute.Active
		})
	}
}

// checkExercised compares what the clients offer with what succeeded in the scripts
// and with the list of what need not.
func (w *walk) checkExercised(t *testing.T, config string) {
	i, err := w.with.get([]string{"OS_CLIENT_CONFIG_FILE=" + config, "OS_CLOUD=admin"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := i.run(request{Args: []string{"clients"}, Dir: "/", Typed: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	excused, err := excuses("testdata/unexercised.golden")
	if err != nil {
		t.Fatal(err)
	}
	commands, options := 0, 0
	for name, of := range r.Commands {
		commands++
		options += len(of)
		names := []string{name}
		if w.exercised[name] || excused[name] == "" {
			for _, o := range of {
				names = append(names, name+" "+o)
			}
		}
		for _, name := range names {
			switch reason := excused[name]; {
			case w.exercised[name] && reason != "":
				t.Errorf("testdata/unexercised.golden: it is exercised now, take it out: %s", name)
			case !w.exercised[name] && reason == "":
				t.Errorf("no script exercises it: %s", name)
			}
			delete(excused, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(excused)) {
		t.Errorf("testdata/unexercised.golden: no client offers it: %s", name)
	}
	t.Logf("%d commands, %d options offered; %d of both exercised", commands, options, len(w.exercised))
}

// excuses reads a list of lines: what is not exercised, " — ", the reason.
func excuses(path string) (map[string]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	of := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, ok := strings.Cut(line, " — ")
		if !ok || reason == "" || of[name] != "" {
			return nil, errors.New(path + ": a name, a dash and a reason are required, each once: " + line)
		}
		of[name] = reason
	}
	return of, nil
}
