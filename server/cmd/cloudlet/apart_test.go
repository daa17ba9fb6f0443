package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/node"
)

// server starts a server with the directory and waits until it is ready.
func server(t *testing.T, dir string, args ...string) (p *process, base string) {
	t.Helper()
	p = launch(t, []string{"CLOUDLET_ADMIN_PASSWORD=" + password},
		append([]string{"server", "-data-dir", dir, "-listen", "127.0.0.1:0"}, args...)...)
	return p, p.base()
}

// tcpServer is server, where agents of other machines can join.
func tcpServer(t *testing.T, dir string, args ...string) (p *process, base, agents string) {
	t.Helper()
	p, base = server(t, dir, append([]string{"-agent-listen", "127.0.0.1:0"}, args...)...)
	return p, base, p.await(p.out, 0, `agents join at (\S+),`)[1]
}

// agentOf starts an agent of a simulated host.
func agentOf(t *testing.T, env []string, dir, server, name string, args ...string) *process {
	t.Helper()
	return launch(t, env, append([]string{"agent", "-driver", "sim", "-data-dir", dir, "-server", server, "-host-name", name}, args...)...)
}

// token makes a join token at a running server.
func token(t *testing.T, dir string, args ...string) string {
	t.Helper()
	status, out, errOut := once(t, append([]string{"token", "-data-dir", dir}, args...)...)
	if status != 0 {
		t.Fatal(errOut)
	}
	return strings.TrimSpace(out)
}

const hostIsUp = `msg="host is up" host=`

// TestApartOverUnixSocket proves that server and agent of one machine, in one data
// directory too, make a cloud, and that each survives the other.
func TestApartOverUnixSocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, base := server(t, dir)
	if strings.Contains(p.out.String(), "agents join") {
		t.Errorf("it says %s", p.out)
	}
	socket := filepath.Join(dir, node.AgentSocket)
	host := agentOf(t, nil, dir, socket, "h1")
	p.await(p.log, 0, hostIsUp+"h1")
	a := asAdmin(t, base)
	image := a.image("i", make([]byte, 1<<20))
	first := a.instance("first", image, nil)

	// The agent dies and comes back; the guest runs on.
	host.kill()
	from := p.log.Len()
	host = agentOf(t, nil, dir, socket, "h1")
	p.await(p.log, from, hostIsUp+"h1")
	a.until("/compute/v2.1/servers/"+first, "server", func(o object) bool { return o["status"] == "ACTIVE" })

	// The server dies and comes back; the agent finds it by itself.
	p.kill()
	host.await(host.log, 0, `the server cannot be reached; trying on.*connect`)
	p, base = server(t, dir)
	p.await(p.log, 0, hostIsUp+"h1")
	a = asAdmin(t, base)
	a.until("/compute/v2.1/servers/"+first, "server", func(o object) bool { return o["status"] == "ACTIVE" })
	// Had the agent's image cache been the server's store, this would fail.
	a.instance("second", image, nil)
	if status, content := a.send("GET", "/image/v2/images/"+image+"/file", nil); status != http.StatusOK || len(content) != 1<<20 {
		t.Errorf("image: status %d, %d bytes", status, len(content))
	}

	// A second agent in the same directory would take the first one's guests.
	failing(t, 1, []string{"agent", "-driver", "sim", "-data-dir", dir, "-server", socket, "-host-name", "h2"}, "an agent works in "+filepath.Join(dir, "host")+" already")
	host.stop()
	p.stop()
}

// TestApartOverTCP proves mutual TLS from a join token, and that who has joined
// needs none.
func TestApartOverTCP(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	p, base, at := tcpServer(t, dir)
	tok := token(t, dir)

	_, otherBase, otherAt := tcpServer(t, other)
	failing(t, 1, []string{"agent", "-driver", "sim", "-data-dir", t.TempDir(), "-server", at}, "has not joined yet", "cloudlet token")
	refused := func(server, tok string, want ...string) {
		t.Helper()
		home := t.TempDir()
		p := agentOf(t, []string{"CLOUDLET_JOIN_TOKEN=" + tok}, home, server, "x")
		if got := p.status(); got != 1 {
			t.Errorf("status %d, want 1", got)
		}
		mustContain(t, p.log.String(), want...)
		if secret := tok[strings.LastIndexByte(tok, '.')+1:]; len(secret) > 10 && strings.Contains(p.log.String(), secret) {
			t.Errorf("the token's secret is told: %s", p.log)
		}
		if node.HasJoined(filepath.Join(home, "host")) {
			t.Error("a refused host has a certificate")
		}
	}
	refused(otherAt, tok, "the server is not the one that the join token was made at")
	refused(at, "nonsense", "not one that 'cloudlet token' made")
	refused(at, tok[:strings.LastIndexByte(tok, '.')+1]+"WRONGSECRETWRONGSECRETWRON", "wrong, used or expired")
	short := token(t, dir, "-valid", "1s")
	expires := time.Now().Add(1100 * time.Millisecond)

	home := t.TempDir()
	host := agentOf(t, []string{"CLOUDLET_JOIN_TOKEN=" + tok}, home, at, "h1")
	p.await(p.log, 0, hostIsUp+"h1")
	if env := read(t, "/proc/"+strconv.Itoa(host.cmd.Process.Pid)+"/cmdline"); strings.Contains(env, tok) {
		t.Error("the token is on the command line")
	}
	for _, f := range []string{"host.key", "host.crt", "ca.crt"} {
		if fi, err := os.Stat(filepath.Join(home, "host", f)); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", f, err)
		}
	}
	refused(at, tok, "wrong, used or expired") // it was for one host
	time.Sleep(time.Until(expires))            // the token's own clock, not a state
	refused(at, short, "wrong, used or expired")

	// Another agent, by a token in a file, with a name that is taken.
	home2 := t.TempDir()
	file := write(t, filepath.Join(home2, "token"), token(t, dir)+"\n")
	double := agentOf(t, nil, home2, at, "h1", "-join-token-file", file)
	double.await(double.log, 0, "is called h1 already; give each host a name of its own")
	double.stop()
	from := p.log.Len()
	if err := os.Remove(file); err != nil { // it has joined all the same
		t.Fatal(err)
	}
	second := agentOf(t, nil, home2, at, "h2", "-join-token-file", file)
	p.await(p.log, from, hostIsUp+"h2")
	second.await(second.log, 0, "connected to the server")
	a := asAdmin(t, base)
	if up := a.hosts(); !slices.Equal(slices.Sorted(slices.Values(up)), []string{"h1", "h2"}) {
		t.Errorf("hosts %v", up)
	}
	image := a.image("i", make([]byte, 1<<20))
	id := a.instance("guest", image, object{"availability_zone": "nova:h1"})

	// Restarts, of both, need no token.
	host.stop()
	p.kill()
	p, base = server(t, dir, "-agent-listen", at)
	p.await(p.log, 0, hostIsUp+"h2")
	agentOf(t, nil, home, at, "h1")
	p.await(p.log, 0, hostIsUp+"h1")
	a = asAdmin(t, base)
	a.until("/compute/v2.1/servers/"+id, "server", func(o object) bool { return o["status"] == "ACTIVE" && o["OS-EXT-SRV-ATTR:host"] == "h1" })
	for _, log := range []*output{p.log, host.log, second.log, double.log} {
		if secret := tok[strings.LastIndexByte(tok, '.')+1:]; strings.Contains(log.String(), secret) {
			t.Error("a log tells a token")
		}
	}

	// A host of this cloud is told that another cloud is not its own.
	second.stop()
	strayed := agentOf(t, nil, home2, otherAt, "h2")
	strayed.await(strayed.log, 0, "the server cannot be reached; trying on.*certificate")
	if up := asAdmin(t, otherBase).hosts(); len(up) != 0 {
		t.Errorf("hosts of the other cloud: %v", up)
	}
	strayed.stop()
}

// TestApartByFile proves that both halves can be kept in HCL files.
func TestApartByFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	conf := write(t, filepath.Join(dir, "server.hcl"), `
		listen         = "127.0.0.1:0"
		agent-listen   = "127.0.0.1:0"
		data-dir       = "`+data+`"
		admin-password = "of-file"
		region         = "north"
		log-format     = "json"
	`)
	p := launch(t, nil, "server", "-config", conf)
	base := p.base()
	at := p.await(p.out, 0, `agents join at (\S+),`)[1]
	conf = write(t, filepath.Join(dir, "agent.hcl"), `
		server     = "`+at+`"
		data-dir   = "`+filepath.Join(dir, "other")+`"
		driver     = "sim"
		host-name  = "by-file"
		zone       = "east"
		join-token = "`+token(t, data)+`"
		physnet    = ["public:br-a", "lab:br-b"]
	`)
	launch(t, nil, "agent", "-config", conf)
	p.await(p.log, 0, `"host is up","host":"by-file"`)
	a, status := login(t, http.DefaultClient, base, "admin", "of-file")
	if status != http.StatusCreated {
		t.Fatalf("login: status %d", status)
	}
	zones, _ := a.send("GET", "/compute/v2.1/os-availability-zone", nil)
	_, b := a.send("GET", "/compute/v2.1/os-availability-zone", nil)
	if zones != http.StatusOK || !strings.Contains(string(b), `"east"`) {
		t.Errorf("zones: %d %s", zones, b)
	}
	if _, b := a.send("GET", "/identity/v3/regions", nil); !strings.Contains(string(b), `"north"`) {
		t.Errorf("regions: %s", b)
	}
}

// TestAgentWithoutServer proves that an agent waits for its server, says so, and
// stops when told.
func TestAgentWithoutServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	socket := filepath.Join(dir, node.AgentSocket)
	host := agentOf(t, nil, dir, socket, "early")
	host.await(host.log, 0, "the server cannot be reached; trying on.*no such file")
	p, _ := server(t, dir)
	p.await(p.log, 0, hostIsUp+"early")
	p.stop()
	host.stop()
}
