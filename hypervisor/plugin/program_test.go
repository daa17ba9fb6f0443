package plugin_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/plugin"
	"github.com/cloudlet/cloudlet/hypervisor/sim"
)

// The test binary is also the program that a driver is in, and a program that
// opens one, to be killed.
const (
	roleEnv = "CLOUDLET_TEST_ROLE" // program | victim | opener; else the tests
	dirEnv  = "CLOUDLET_TEST_DIR"  // of the sim driver
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "program":
		log := plugin.NewLog()
		log.Warn("a driver's word", "count", 3)
		slog.SetDefault(log)
		plugin.Serve(remote{sim.New(sim.Options{Dir: os.Getenv(dirEnv)})})
	case "victim": // of one kill, before it serves
		if file, err := os.OpenFile(filepath.Join(os.Getenv(dirEnv), "killed"), os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			file.Close()
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		plugin.Serve(remote{sim.New(sim.Options{Dir: os.Getenv(dirEnv)})})
	case "opener":
		open()
	default:
		os.Exit(m.Run())
	}
}

// remote is sim as the tests' program serves it: what tests do to the host comes
// as a Console call for the guest "!verb id".
type remote struct{ *sim.Driver }

// Console implements hypervisor.Driver.
func (r remote) Console(ctx context.Context, id string, most int64) ([]byte, error) {
	verb, ok := strings.CutPrefix(id, "!")
	if !ok {
		return r.Driver.Console(ctx, id, most)
	}
	verb, id, _ = strings.Cut(verb, " ")
	switch verb {
	case "pid":
		return []byte(strconv.Itoa(os.Getpid())), nil
	case "poweroff":
		return nil, r.PowerOff(id)
	case "crash":
		return nil, r.Crash(id)
	case "cut":
		r.CutEvents()
		return nil, nil
	case "restart":
		return nil, r.Restart()
	case "foreign":
		r.AddForeign(id)
		return nil, nil
	case "hasforeign":
		return []byte(strconv.FormatBool(r.HasForeign(id))), nil
	case "hang":
		r.Inject(sim.Fault{Method: id, Hang: true})
		return nil, nil
	case "unsupported":
		r.Inject(sim.Fault{Method: id, Err: fmt.Errorf("no %s here: %w", id, hypervisor.ErrUnsupported)})
		return nil, nil
	case "down":
		r.Inject(sim.Fault{Method: id})
		return nil, nil
	case "odd":
		r.Inject(sim.Fault{Method: id, Err: fmt.Errorf("odd \xff")})
		return nil, nil
	case "panic":
		panic("told to")
	}
	return nil, fmt.Errorf("no verb %q", verb)
}

func options(dir string) plugin.Options {
	return plugin.Options{Path: os.Args[0], Env: []string{
		roleEnv + "=program", dirEnv + "=" + dir,
		"GORACE=atexit_sleep_ms=0", // the race detector has each program linger for a second
	}}
}

// tell does one of remote's verbs.
func tell(t *testing.T, d hypervisor.Driver, verb, id string) string {
	t.Helper()
	text, err := d.Console(t.Context(), "!"+verb+" "+id, 0)
	if err != nil {
		t.Fatalf("%s: %v", verb, err)
	}
	return string(text)
}

// open opens a driver, prints its process' id and waits to be killed.
func open() {
	d, err := plugin.Open(context.Background(), options(os.Getenv(dirEnv)))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	pid, err := d.Console(context.Background(), "!pid", 0)
	fmt.Println(string(pid), err)
	select {}
}
