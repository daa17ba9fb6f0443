package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/node"
)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	a := api{t: t, http: http.DefaultClient, base: url}
	status, b := a.send("GET", "", nil)
	return status, string(b)
}

func TestDev(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	p, base := dev(t, dir)
	mustContain(t, p.out.String(), "credentials: "+dir+"/clouds.yaml (clouds cloudlet, cloudlet-admin)", "cloudlet env -data-dir '"+dir+"'")
	if status, body := get(t, base+"/healthz"); status != 200 || body != "ok\n" {
		t.Errorf("/healthz: %d %q", status, body)
	}
	if status, body := get(t, base+"/metrics"); status != 200 || !strings.Contains(body, "process_resident_memory_bytes") {
		t.Errorf("/metrics: %d %.200s", status, body)
	}
	for path, mode := range map[string]os.FileMode{"clouds.yaml": 0o600, node.AgentSocket: 0o600, node.AdminSocket: 0o600, "state": 0o700, "images": 0o700, "host/host-id": 0o600} {
		if fi, err := os.Stat(filepath.Join(dir, path)); err != nil || fi.Mode().Perm() != mode {
			t.Errorf("%s: %v, mode %v, want %v", path, err, fi.Mode(), mode)
		}
	}
	for _, user := range []string{"admin", "demo"} {
		if _, status := login(t, http.DefaultClient, base, user, password); status != http.StatusCreated {
			t.Errorf("login of %s: %d", user, status)
		}
	}
	a := asAdmin(t, base)
	if hosts := a.hosts(); len(hosts) != 1 {
		t.Errorf("hosts that are up: %v", hosts)
	}
	for path, n := range map[string]int{"/compute/v2.1/flavors": 5, "/networking/v2.0/networks": 2} {
		kind := path[strings.LastIndexByte(path, '/')+1:]
		if got := a.do("GET", path, nil)[kind].([]any); len(got) != n {
			t.Errorf("%d %s, want %d", len(got), kind, n)
		}
	}
	p.stop()
	for _, s := range []string{node.AgentSocket, node.AdminSocket} {
		if _, err := os.Lstat(filepath.Join(dir, s)); err == nil {
			t.Errorf("%s is left", s)
		}
	}
}

func TestDevWithSeveralHosts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, base := dev(t, dir, "-sim-hosts", "3", "-host-name", "h")
	a := asAdmin(t, base)
	if up := strings.Join(a.hosts(), " "); up != "h-1 h-2 h-3" {
		t.Errorf("hosts %s", up)
	}
	// What an administrator has forced down is there all the same.
	for _, s := range a.do("GET", "/compute/v2.1/os-services?binary=nova-compute", nil, "OpenStack-API-Version", "compute 2.53")["services"].([]any) {
		a.do("PUT", "/compute/v2.1/os-services/"+s.(object)["id"].(string), object{"forced_down": true}, "OpenStack-API-Version", "compute 2.53")
	}
	p.kill()
	_, base = dev(t, dir, "-sim-hosts", "3", "-host-name", "h")
	if up := asAdmin(t, base).hosts(); len(up) != 0 {
		t.Errorf("hosts %s are up although they are forced down", up)
	}
}

func TestDevUnseededAndGenerated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := launch(t, nil, "dev", "-data-dir", dir, "-listen", "127.0.0.1:0", "-seed", "none")
	base := p.base()
	mustContain(t, p.out.String(), "(clouds cloudlet-admin)")
	file, err := readClouds(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := file.Clouds[adminCloud]
	if len(file.Clouds) != 1 || len(c.Auth.Password) < 20 || c.Auth.AuthURL != base+"/identity/v3" {
		t.Errorf("clouds.yaml: %+v", file)
	}
	a, status := login(t, http.DefaultClient, base, "admin", c.Auth.Password)
	if status != http.StatusCreated {
		t.Fatalf("login: %d", status)
	}
	if got := a.do("GET", "/networking/v2.0/networks", nil)["networks"].([]any); len(got) != 0 {
		t.Errorf("networks: %v", got)
	}
	if strings.Contains(p.out.String()+p.log.String(), c.Auth.Password) {
		t.Error("the password is told")
	}
	mustContain(t, shellEnv(t, dir), "OS_USERNAME=admin\n")
}

// shellEnv returns what a shell makes of cloudlet env.
func shellEnv(t *testing.T, dir string, args ...string) string {
	t.Helper()
	status, out, errOut := call(t, append([]string{"env", "-data-dir", dir}, args...)...)
	if status != 0 {
		t.Fatal(errOut)
	}
	cmd := exec.Command("/bin/sh", "-c", `eval "$1"; env | grep ^OS_`, "sh", out)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/wrong"}
	b, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEnv(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "it's a dir")
	_, base := dev(t, dir)
	mustContain(t, shellEnv(t, dir), "OS_USERNAME=demo\n", "OS_PROJECT_NAME=demo\n", "OS_PASSWORD="+password+"\n",
		"OS_AUTH_URL="+base+"/identity/v3\n", "OS_REGION_NAME=RegionOne\n", "OS_IDENTITY_API_VERSION=3\n", "OS_USER_DOMAIN_NAME=Default\n", "OS_PROJECT_DOMAIN_NAME=Default\n")
	mustContain(t, shellEnv(t, dir, "-cloud", "cloudlet-admin"), "OS_USERNAME=admin\n")
	status, _, errOut := call(t, "env", "-data-dir", dir, "-cloud", "mine")
	if status != 1 {
		t.Errorf("status %d", status)
	}
	mustContain(t, errOut, `has no cloud "mine"; it has cloudlet, cloudlet-admin`)
	status, _, errOut = call(t, "env", "-data-dir", "/nonexistent")
	if status != 1 {
		t.Errorf("status %d", status)
	}
	mustContain(t, errOut, "there is no /nonexistent/clouds.yaml")
}

// TestLaterStart proves that a later start keeps state and what users have
// written into clouds.yaml, and puts the new address into it.
func TestLaterStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, first := dev(t, dir)
	asAdmin(t, first).do("POST", "/identity/v3/projects", object{"project": object{"name": "kept"}})
	p.stop()

	path := cloudsPath(dir)
	text := strings.Replace(read(t, path), "clouds:\n", "# mine\nclouds:\n  other:\n    auth:\n      auth_url: http://elsewhere\n", 1)
	text = strings.Replace(text, "region_name: RegionOne", "interface: public\n    region_name: RegionOne", 1)
	write(t, path, strings.Replace(text, "username: demo", "username: demo2", 1))

	p, second := dev(t, dir, "-admin-password", "another")
	now := read(t, path)
	mustContain(t, now, "# mine", "http://elsewhere", "interface: public", "username: demo2", second+"/identity/v3", "s3cret")
	if first != second && strings.Contains(now, first+"/") || strings.Contains(now, "another") {
		t.Errorf("clouds.yaml: %s", now)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	mustContain(t, p.log.String(), "the admin password given is not used")
	if got := asAdmin(t, second).do("GET", "/identity/v3/projects?name=kept", nil)["projects"].([]any); len(got) != 1 {
		t.Errorf("projects: %v", got)
	}
	p.stop()

	for _, broken := range []string{"clouds: [", "", "- a\n", "clouds:\n  cloudlet: 7\n"} {
		write(t, path, broken)
		p, _ = dev(t, dir)
		if got := read(t, path); got != broken {
			t.Errorf("a clouds.yaml of %q became %q", broken, got)
		}
		p.stop()
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	p, _ = dev(t, dir)
	if strings.Contains(p.out.String(), "credentials:") {
		t.Errorf("credentials that nobody keeps are announced: %s", p.out)
	}
}

// TestKilled proves that what was acknowledged is there after kill -9.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, base := dev(t, dir)
	a := asAdmin(t, base)
	image := a.image("i", make([]byte, 64<<10))
	id := a.instance("survivor", image, nil)
	a.do("POST", "/identity/v3/projects", object{"project": object{"name": "acknowledged"}})
	p.kill()

	p, base = dev(t, dir)
	b := asAdmin(t, base)
	if got := b.do("GET", "/identity/v3/projects?name=acknowledged", nil)["projects"].([]any); len(got) != 1 {
		t.Errorf("projects: %v", got)
	}
	b.until("/compute/v2.1/servers/"+id, "server", func(o object) bool { return o["status"] == "ACTIVE" })
	b.token = a.token // sealed with a key that is kept
	b.do("GET", "/compute/v2.1/servers/"+id, nil)
	if status, content := b.send("GET", "/image/v2/images/"+image+"/file", nil); status != 200 || len(content) != 64<<10 {
		t.Errorf("image: %d, %d bytes", status, len(content))
	}
	p.stop()
}

// TestStopLetsNobodyHang proves that neither who waits, nor who says nothing, nor
// who never ends a request keeps a server from stopping.
func TestStopLetsNobodyHang(t *testing.T) {
	t.Parallel()
	p, base := dev(t, t.TempDir())
	a := asAdmin(t, base)
	n := a.do("GET", "/networking/v2.0/networks", nil)["networks"].([]any)[0].(object)["id"].(string)
	path := "/networking/v2.0/networks/" + n
	a.do("GET", path, nil)
	etag := a.header.Get("Etag")
	i := a.do("POST", "/image/v2/images", object{"name": "endless", "disk_format": "raw", "container_format": "bare"})
	open := func(text string) net.Conn {
		c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	open("")
	open("GET / HTTP/1.1\r\nHo")
	open(fmt.Sprintf("PUT /image/v2/images/%s/file HTTP/1.1\r\nHost: x\r\nX-Auth-Token: %s\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000000\r\n\r\nabc", i["id"], a.token))
	a.until("/image/v2/images/"+i["id"].(string), "", func(o object) bool { return o["status"] == "saving" })
	waiter := open(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: x\r\nX-Auth-Token: %s\r\nIf-None-Match: %s\r\nPrefer: wait=60\r\n\r\n", path, a.token, etag))
	p.await(p.log, 0, "host is up")
	p.stop()
	_ = waiter.SetReadDeadline(time.Now().Add(patience))
	resp, err := http.ReadResponse(bufio.NewReader(waiter), nil)
	if err == nil && resp.StatusCode != http.StatusNotModified && resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("who waited got %d", resp.StatusCode)
	}
}

// TestStoppedBeforeReady proves that a stop while it starts is no failure.
func TestStoppedBeforeReady(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"dev", "-data-dir", dir, "-listen", "127.0.0.1:0"},
		{"server", "-data-dir", dir, "-listen", "127.0.0.1:0"},
		{"agent", "-driver", "sim", "-data-dir", dir, "-server", "./agent.sock"},
		{"agent", "-driver", "sim", "-data-dir", dir, "-server", "127.0.0.1:1", "-join-token", "clj1." + strings.Repeat("0", 64) + ".X"},
	} {
		if status, out, errOut := call(t, args...); status != 0 || out != "" {
			t.Errorf("%q: status %d, %s%s", args, status, out, errOut)
		}
	}
}

// TestInterrupted proves that Ctrl-C stops as SIGTERM does.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	p, _ := dev(t, t.TempDir())
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if got := p.status(); got != 0 {
		t.Errorf("status %d", got)
	}
}

// failing runs a cloudlet that must fail with the status, and say all of want.
func failing(t *testing.T, status int, args []string, want ...string) {
	t.Helper()
	got, out, errOut := once(t, args...)
	if got != status {
		t.Errorf("%q: status %d, want %d\n%s%s", args, got, status, out, errOut)
	}
	mustContain(t, errOut, want...)
	if strings.Contains(out, "ready") {
		t.Errorf("%q: it says %s", args, out)
	}
}

func TestCannotStart(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir := filepath.Join(top, "used")
	p, base := dev(t, dir)
	at := strings.TrimPrefix(base, "http://")
	clouds := read(t, cloudsPath(dir))

	failing(t, 1, []string{"dev", "-data-dir", dir, "-listen", "127.0.0.1:0"}, "data directory "+dir, "in use")
	failing(t, 1, []string{"server", "-data-dir", dir, "-listen", "127.0.0.1:0"}, "data directory "+dir, "in use")
	failing(t, 1, []string{"restore", "-data-dir", dir, "-from", top}, "no backup")
	failing(t, 1, []string{"dev", "-data-dir", filepath.Join(top, "new"), "-listen", at}, at, "address already in use", "choose another -listen")
	failing(t, 1, []string{"server", "-data-dir", filepath.Join(top, "new"), "-listen", "127.0.0.1:0", "-agent-listen", at}, at, "address already in use", "choose another -agent-listen")
	if _, err := os.Stat(filepath.Join(top, "new", "clouds.yaml")); err == nil {
		t.Error("a server that could not start has made a cloud")
	}
	long := filepath.Join(top, strings.Repeat("long", 30))
	failing(t, 1, []string{"dev", "-data-dir", long, "-listen", "127.0.0.1:0"}, "at most 107", "shorter path")
	if _, err := os.Stat(long); err == nil {
		t.Error("the directory with a path that is too long was made")
	}
	file := write(t, filepath.Join(top, "file"), "")
	failing(t, 1, []string{"dev", "-data-dir", file, "-listen", "127.0.0.1:0"}, "data directory", "not a directory")
	failing(t, 1, []string{"dev", "-data-dir", filepath.Join(file, "sub"), "-listen", "127.0.0.1:0"}, "data directory", "not a directory")
	policy := write(t, filepath.Join(top, "policy.hcl"), "rule \"x\" {\n")
	failing(t, 1, []string{"dev", "-data-dir", filepath.Join(top, "new2"), "-policy", policy, "-listen", "127.0.0.1:0"}, "policy.hcl")
	failing(t, 1, []string{"token", "-data-dir", filepath.Join(top, "nowhere")}, "no server runs with the data directory", "no such file")

	if got := read(t, cloudsPath(dir)); got != clouds {
		t.Errorf("a second server has changed clouds.yaml: %s", got)
	}
	asAdmin(t, base).do("POST", "/identity/v3/projects", object{"project": object{"name": "unharmed"}})
	if status, _, errOut := once(t, "token", "-data-dir", dir); status != 0 {
		t.Errorf("the operator's socket is harmed: %s", errOut)
	}
	p.kill()
	failing(t, 1, []string{"token", "-data-dir", dir}, "no server runs with the data directory "+dir)
}

func TestUnreadableDataDir(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		dir := t.TempDir()
		p, _ := dev(t, dir)
		p.stop()
		// Root may read everything: a damaged state takes the part.
		all, err := filepath.Glob(filepath.Join(dir, "state", "MANIFEST-*"))
		if err != nil || len(all) == 0 {
			t.Fatal(err, all)
		}
		for _, m := range all {
			write(t, m, "not a manifest")
		}
		failing(t, 1, []string{"dev", "-data-dir", dir, "-listen", "127.0.0.1:0"}, "data directory "+dir)
		return
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0); err != nil {
		t.Fatal(err)
	}
	failing(t, 1, []string{"dev", "-data-dir", dir, "-listen", "127.0.0.1:0"}, "permission denied")
}

// TestNotReadyWithoutItsHosts proves that /healthz tells when a host of the process
// does not come up: here its name is another's.
func TestNotReadyWithoutItsHosts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, _ := dev(t, dir, "-host-name", "h")
	p.stop()
	if err := os.RemoveAll(filepath.Join(dir, "host")); err != nil {
		t.Fatal(err)
	}
	p = launch(t, nil, "dev", "-data-dir", dir, "-listen", "127.0.0.1:0", "-host-name", "h")
	p.await(p.log, 0, `is called h already`)
	file, err := readClouds(dir)
	if err != nil {
		t.Fatal(err)
	}
	base := strings.TrimSuffix(file.Clouds[adminCloud].Auth.AuthURL, "/identity/v3")
	if status, body := get(t, base+"/healthz"); status != http.StatusServiceUnavailable || !regexp.MustCompile("starting").MatchString(body) {
		t.Errorf("/healthz: %d %q", status, body)
	}
	if p.out.Len() > 0 {
		t.Errorf("it says %s", p.out)
	}
	p.stop()
}
