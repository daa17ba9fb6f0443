package clients

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// request is one command for clients.py.
type request struct {
	Args  []string `json:"args"`
	Dir   string   `json:"dir"`
	Typed []string `json:"typed"`
}

// reply is what came of it.
type reply struct {
	Code     int                 `json:"code"`
	Name     string              `json:"name"`
	Options  []string            `json:"options"`
	Stdout   string              `json:"stdout"`
	Stderr   string              `json:"stderr"`
	Commands map[string][]string `json:"commands"` // of the request "clients": all options by command
}

// interpreter runs the clients as one user.
type interpreter struct {
	mu  sync.Mutex
	in  *json.Encoder
	out *json.Decoder
}

// interpreters has one for each set of OS_ variables.
type interpreters struct {
	t      *testing.T
	python string
	home   string
	mu     sync.Mutex
	of     map[string]*interpreter
}

// newInterpreters returns interpreters that use the Python of the installed
// openstack command, and skips the test if a client is missing.
func newInterpreters(t *testing.T) *interpreters {
	t.Helper()
	python := ""
	for tool, debian := range map[string]string{"openstack": "python3-openstackclient", "glance": "python3-glanceclient"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			if os.Getenv("CLOUDLET_TEST_NOSKIP") == "1" {
				t.Fatalf("the %s command is needed: install %s", tool, debian)
			}
			t.Skipf("SKIPPED: there is no %s command to walk through; %s has it", tool, debian)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(io.LimitReader(f, 1024)).ReadString('\n')
		f.Close()
		if python = strings.TrimSpace(strings.TrimPrefix(line, "#!")); err != nil || !strings.Contains(python, "python") {
			t.Fatalf("%s is no Python script: %q, %v", path, line, err)
		}
	}
	return &interpreters{t: t, python: python, home: t.TempDir(), of: map[string]*interpreter{}}
}

// get returns the interpreter of an environment, which it starts if need be. It ends
// with the test.
func (is *interpreters) get(env []string) (*interpreter, error) {
	is.mu.Lock()
	defer is.mu.Unlock()
	key := strings.Join(env, "\n")
	if i := is.of[key]; i != nil {
		return i, nil
	}
	script, err := filepath.Abs("testdata/clients.py")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(is.python, script)
	cmd.Env = append(slices.Clone(env), "PATH="+os.Getenv("PATH"), "HOME="+is.home, "LANG=C.UTF-8", "COLUMNS=1000", "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	is.t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			is.t.Errorf("clients.py: %v", err)
		}
	})
	i := &interpreter{in: json.NewEncoder(in), out: json.NewDecoder(out)}
	is.of[key] = i
	return i, nil
}

func (i *interpreter) run(rq request) (reply, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var r reply
	if err := i.in.Encode(rq); err != nil {
		return r, fmt.Errorf("clients.py is gone: %w", err)
	}
	err := i.out.Decode(&r)
	return r, err
}
