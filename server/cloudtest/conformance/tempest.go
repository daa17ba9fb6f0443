package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"text/template"

	"github.com/cloudlet/cloudlet/server/cloudtest/program"
)

//go:embed tempest.conf.tmpl
var conf string

// stestrConf names Debian's place of Tempest; tests of one class share a worker.
const stestrConf = `[DEFAULT]
test_path=/usr/lib/python3/dist-packages/tempest/test_discover
top_dir=/usr/lib/python3/dist-packages
group_regex=([^\.]*\.)*
`

// tempest is a working directory of Tempest, and the web server that the cloud
// imports an image from.
type tempest struct {
	dir string
	web *httptest.Server
}

// configure writes Tempest's configuration for the cloud below dir. The caller
// closes the web server.
func configure(c *program.Cloud, dir string) (*tempest, error) {
	v := struct{ Dir, URL, Password, Web, Image, ImageAlt string }{Dir: filepath.Join(dir, "tempest"), URL: c.URL + "/identity/v3", Password: program.Password}
	if err := os.MkdirAll(filepath.Join(v.Dir, "lock"), 0o755); err != nil {
		return nil, err
	}
	var err error
	if v.Image, err = makeImage(c, "first"); err != nil {
		return nil, err
	}
	if v.ImageAlt, err = makeImage(c, "second"); err != nil {
		return nil, err
	}
	var b strings.Builder
	t := &tempest{dir: v.Dir, web: httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 4096)) }))}
	v.Web = t.web.URL
	err = template.Must(template.New("").Parse(conf)).Execute(&b, v)
	err = errors.Join(err, os.WriteFile(filepath.Join(v.Dir, "tempest.conf"), []byte(b.String()), 0o600),
		os.WriteFile(filepath.Join(v.Dir, ".stestr.conf"), []byte(stestrConf), 0o600))
	if err != nil {
		t.web.Close()
		return nil, err
	}
	return t, nil
}

// list returns the ids of the tests that match.
func (t *tempest) list(ctx context.Context, match string) ([]string, error) {
	if out, err := t.stestr(ctx, "init").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("stestr init: %w: %s", err, out)
	}
	out, err := t.stestr(ctx, "list", match).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("stestr list: %w: %s", err, out)
	}
	var ids []string
	for l := range strings.Lines(string(out)) {
		if strings.HasPrefix(l, "tempest.") {
			ids = append(ids, strings.TrimSpace(l))
		}
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("no test matches %s", match)
	}
	return ids, nil
}

// run runs the tests and returns what stestr wrote. That tests failed is no error.
func (t *tempest) run(ctx context.Context, match string) (string, error) {
	out, err := t.stestr(ctx, "run", "--concurrency", "2", match).CombinedOutput()
	if ctx.Err() != nil {
		return "", fmt.Errorf("the run was ended: %w", context.Cause(ctx))
	}
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		return "", err
	}
	return string(out), nil
}

// stestr is Debian's, with its workers in a process group that ends with ctx.
func (t *tempest) stestr(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/usr/bin/python3", append([]string{"/usr/bin/stestr"}, args...)...)
	cmd.Dir = t.dir
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "PYTHON=/usr/bin/python3", "HOME=" + t.dir, "LANG=C.UTF-8", "no_proxy=*",
		"TEMPEST_CONFIG_DIR=" + t.dir, "TEMPEST_CONFIG=tempest.conf", "OS_TEST_TIMEOUT=120", "OS_LOG_CAPTURE=1", "OS_STDOUT_CAPTURE=1", "OS_STDERR_CAPTURE=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}
