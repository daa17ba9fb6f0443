package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPolicyList(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "my.hcl")
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("my.hcl", "define = { owner = caller.project_id == target.project_id }\nrules = {\n  \"compute:flavor:create\" = member\n}\n")
	all := mustDo(t, "policy", "list")
	mustContain(t, all, "\ncompute:instance:create ", "    POST /compute/v2.1/servers\n", "compute.hcl:", "network:port:set_binding", "    whatever a call below /image is about\n",
		"    POST /compute/v2.1/servers/{id}/action os-start\n")
	if strings.Contains(all, " \n") {
		t.Error("lines end in spaces")
	}
	some := mustDo(t, "policy", "list", "-config", write("server.hcl", "listen = \"127.0.0.1:0\"\nphysnet = \"a:b\"\npolicy = \""+file+"\"\n"), "-json", "compute:flavor:create", "compute:quota:get")
	var rules []shownRule
	if err := json.Unmarshal([]byte(some), &rules); err != nil || len(rules) != 2 {
		t.Fatalf("%v %s", err, some)
	}
	if r := rules[0]; !r.Override || r.File != file || r.Line != 3 || r.Expression != "member" || r.Personas["system member"] != "any" || r.Personas["project reader"] != "-" || r.Calls[0] != "POST /compute/v2.1/flavors" {
		t.Errorf("%+v", r)
	}
	if r := rules[1]; r.Override || r.Definitions["owner"] != file+":1" || r.Personas["project reader"] != "own" {
		t.Errorf("%+v", r)
	}
	failing(t, 2, []string{"policy", "list", "compute:instnce:get"}, `did you mean "compute:instance:get"?`)
	failing(t, 2, []string{"policy", "list", "-policy", write("bad.hcl", "rules = {\n  \"compute:flavor:creat\" = true\n}\n")},
		"bad.hcl line 2", `"compute:flavor:creat" = true`, `did you mean "compute:flavor:create"?`)
	failing(t, 2, []string{"policy", "list", "-config", write("bad2.hcl", "polcy = \"x\"\n")}, "bad2.hcl line 1", `Did you mean "policy"?`)
	failing(t, 2, []string{"policy"}, "Usage: cloudlet policy list")
}

func TestPolicyCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, base := dev(t, dir)
	lab := asAdmin(t, base).do("POST", "/identity/v3/projects", map[string]any{"project": map[string]any{"name": "lab"}})["project"].(map[string]any)["id"].(string)
	override := filepath.Join(dir, "my.hcl")
	if err := os.WriteFile(override, []byte("rules = { \"compute:flavor:create\" = member }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "server.hcl")
	if err := os.WriteFile(config, []byte("listen = \"127.0.0.1:0\"\nseed = \"none\"\ndata-dir = \""+dir+"\"\npolicy = \""+override+"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		mustContain(t, mustDo(t, "policy", "check", "-config", config, "-user", "demo", "-project", "demo", "compute:flavor:create"), "allowed  compute:flavor:create  ("+override+":1)")
		for _, c := range []struct {
			args   string
			status int
			says   string
		}{
			{"-user demo -project demo compute:instance:create", 0, "roles there: member, reader\nallowed  compute:instance:create  (compute.hcl:"},
			{"-user demo -project demo compute:instance:create compute:flavor:create", 1, "refused  compute:flavor:create  (compute.hcl:"},
			{"-user demo -project demo compute:flavor:create", 1, "  false: admin = role(\"admin\")  (common.hcl:7): the caller has member, reader\n"},
			{"-user demo -project demo -policy " + override + " compute:flavor:create", 0, "(" + override + ":1)"},
			{"-user demo -project demo -target project_id=" + lab + " compute:instance:get", 1, "target.project_id is \"" + lab + "\""},
			{"-user demo -project demo -target project_id=x -target user_id=x -target public=true compute:visible", 0, "target.public is true"},
			{"-user demo -project demo -target project_id=x -target attr.member=true image:member:update", 0, "target.attr.member is \"true\""},
			{"-user admin -system compute:host:list", 0, "allowed"},
			{"-user demo -system compute:host:list", 1, "User demo can have no token for the system: it has no role there."},
			{"-user demo -domain Default identity:user:list", 1, "User demo can have no token for the domain Default: it has no role there."},
			{"-user demo -project " + lab + " compute:instance:get", 1, "it has no role there"},
		} {
			status, out, errOut := once(t, append([]string{"policy", "check", "-data-dir", dir}, strings.Fields(c.args)...)...)
			if status != c.status || errOut != "" || !strings.Contains(out, c.says) {
				t.Errorf("%s: %d, want %d and %q in:\n%s%s", c.args, status, c.status, c.says, out, errOut)
			}
		}
		for args, says := range map[string]string{
			"-user nobody -project demo compute:instance:get":                       "Could not find user: nobody.",
			"-user demo -project nowhere compute:instance:get":                      "Could not find project: nowhere.",
			"-user demo -user-domain nowhere -project demo compute:instance:get":    "Could not find domain: nowhere.",
			"-user demo -project demo compute:instnce:get":                          `did you mean "compute:instance:get"?`,
			"-user demo compute:instance:get":                                       "one of -project, -domain and -system is required",
			"-user demo -project demo -system compute:instance:get":                 "one of -project, -domain and -system is required",
			"-project demo compute:instance:get":                                    "-user is required",
			"-user demo -project demo":                                              "a RULE is required",
			"-user demo -project demo -target colour=red compute:instance:get":      `there is no "colour"`,
			"-user demo -project demo -target public=maybe compute:instance:get":    "public must be true or false",
			"-user demo -project demo -policy /nowhere/my.hcl compute:instance:get": "/nowhere/my.hcl",
		} {
			failing(t, 2, append([]string{"policy", "check", "-data-dir", dir}, strings.Fields(args)...), says)
		}
	}
	check()
	p.stop()
	check()
	failing(t, 2, []string{"policy", "check", "-data-dir", t.TempDir(), "-user", "demo", "-system", "compute:instance:get"}, "there is no state")
}
