package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// tree is every file below a directory with what is in it.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all[path] = read(t, path)
		} else if err == nil {
			all[path] = d.Type().String()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func sameTree(t *testing.T, what string, a, b map[string]string) {
	t.Helper()
	for path, text := range a {
		if now, there := b[path]; !there || now != text {
			t.Errorf("%s: %s has changed (it is there: %v)", what, path, there)
		}
	}
	for path := range b {
		if _, there := a[path]; !there {
			t.Errorf("%s: %s is new", what, path)
		}
	}
}

func mustDo(t *testing.T, args ...string) string {
	t.Helper()
	status, out, errOut := once(t, args...)
	if status != 0 {
		t.Fatalf("%q: status %d: %s", args, status, errOut)
	}
	return out
}

// hasCloud proves that a cloud is the one that was backed up.
func hasCloud(t *testing.T, dir, image, guest string, bytes int) {
	t.Helper()
	p, base := dev(t, dir, "-host-name", "h")
	a := asAdmin(t, base)
	if status, content := a.send("GET", "/image/v2/images/"+image+"/file", nil); status != http.StatusOK || len(content) != bytes {
		t.Errorf("image: status %d, %d bytes", status, len(content))
	}
	a.until("/compute/v2.1/servers/"+guest, "server", func(o object) bool { return o["status"] == "ACTIVE" })
	for name, want := range map[string]int{"before": 1, "after": 0} {
		if got := a.do("GET", "/identity/v3/projects?name="+name, nil)["projects"].([]any); len(got) != want {
			t.Errorf("projects %s: %v", name, got)
		}
	}
	mustContain(t, shellEnv(t, dir), "OS_AUTH_URL="+base+"/identity/v3\n", "OS_PASSWORD="+password+"\n")
	p.stop()
}

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir, copied := filepath.Join(top, "data"), filepath.Join(top, "backup")
	const size = 3 << 20
	p, base := dev(t, dir, "-host-name", "h")
	a := asAdmin(t, base)
	image := a.image("i", make([]byte, size))
	guest := a.instance("guest", image, nil)
	a.do("POST", "/identity/v3/projects", object{"project": object{"name": "before"}})
	a.do("POST", "/image/v2/images", object{"name": "empty", "disk_format": "raw", "container_format": "bare"})
	mustDo(t, "backup", "-data-dir", dir, "-to", copied)
	if fi, err := os.Stat(copied); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("the backup: %v", err)
	}
	whole := tree(t, copied)

	a.do("POST", "/identity/v3/projects", object{"project": object{"name": "after"}})
	failing(t, 1, []string{"backup", "-data-dir", dir, "-to", copied}, "exists", "name a directory that does not exist yet")
	failing(t, 1, []string{"backup", "-data-dir", dir, "-to", filepath.Join(top, "no", "parent")}, "no such file")
	failing(t, 1, []string{"restore", "-data-dir", dir, "-from", copied}, "in use")
	a.do("DELETE", "/compute/v2.1/servers/"+guest, nil)
	a.do("DELETE", "/image/v2/images/"+image, nil)
	sameTree(t, "refused and later", whole, tree(t, copied))
	p.stop()

	fresh := filepath.Join(top, "fresh")
	mustDo(t, "restore", "-data-dir", fresh, "-from", copied)
	hasCloud(t, fresh, image, guest, size)
	sameTree(t, "restored", whole, tree(t, copied))

	// Onto the cloud itself, and onto one that has nothing to do with it.
	mustDo(t, "restore", "-data-dir", dir, "-from", copied)
	hasCloud(t, dir, image, guest, size)
	other := filepath.Join(top, "other")
	p = launch(t, nil, "dev", "-data-dir", other, "-listen", "127.0.0.1:0", "-host-name", "h")
	p.base()
	p.stop()
	mustDo(t, "restore", "-data-dir", other, "-from", copied)
	hasCloud(t, other, image, guest, size)
	sameTree(t, "restored thrice", whole, tree(t, copied))
}

func TestBrokenBackupChangesNothing(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir := filepath.Join(top, "data")
	p, base := dev(t, dir)
	image := asAdmin(t, base).image("i", []byte(strings.Repeat("x", 4096)))
	sha := asAdmin(t, base).do("GET", "/image/v2/images/"+image, nil)["os_hash_value"]
	if sha == nil {
		t.Fatal("the image has no bytes")
	}
	whole := filepath.Join(top, "whole")
	mustDo(t, "backup", "-data-dir", dir, "-to", whole)
	p.stop()
	before := tree(t, dir)
	first := func(pattern string) func(string) string {
		return func(dir string) string {
			all, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil || len(all) == 0 {
				t.Fatal(pattern, err)
			}
			return all[0]
		}
	}
	content := first("images/" + strings.Repeat("?", 64))
	for name, c := range map[string]struct {
		harm func(dir string)
		want string
	}{
		"no state":          {func(d string) { os.RemoveAll(filepath.Join(d, "state")) }, "no directory state"},
		"no images":         {func(d string) { os.RemoveAll(filepath.Join(d, "images")) }, "no directory images"},
		"no label":          {func(d string) { os.Remove(filepath.Join(d, "state", "BACKUP")) }, "not a whole backup"},
		"no manifest":       {func(d string) { os.Remove(first("state/MANIFEST-*")(d)) }, "cannot be read"},
		"short manifest":    {func(d string) { os.Truncate(first("state/MANIFEST-*")(d), 10) }, "backup"},
		"an image less":     {func(d string) { os.Remove(content(d)) }, "lacks the bytes of image " + image},
		"an image is short": {func(d string) { os.Truncate(content(d), 100) }, "bytes of image " + image + " are damaged"},
	} {
		broken := filepath.Join(top, strings.ReplaceAll(name, " ", "-"))
		if err := os.CopyFS(broken, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		c.harm(broken)
		failing(t, 1, []string{"restore", "-data-dir", dir, "-from", broken}, c.want)
		sameTree(t, name, before, tree(t, dir))
		fresh := broken + ".fresh"
		failing(t, 1, []string{"restore", "-data-dir", fresh, "-from", broken}, c.want)
		if _, err := os.Stat(fresh); err == nil {
			t.Errorf("%s: a data directory was made: %v", name, tree(t, fresh))
		}
	}
	p, base = dev(t, dir)
	if status, b := asAdmin(t, base).send("GET", "/image/v2/images/"+image+"/file", nil); status != http.StatusOK || len(b) != 4096 {
		t.Errorf("image: status %d, %d bytes", status, len(b))
	}
	p.stop()
}

// TestBackupWhileBusy proves that a copy is consistent whatever happens meanwhile:
// every image that its state names is in it, and it can be restored.
func TestBackupWhileBusy(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir := filepath.Join(top, "data")
	p, base := dev(t, dir)
	stop := make(chan struct{})
	var work sync.WaitGroup
	for w := range 3 {
		a := asAdmin(t, base)
		work.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				content := make([]byte, 64<<10)
				copy(content, fmt.Sprintf("image %d of %d", n, w))
				id := a.image("i", content)
				if n%8 != 0 { // keep some
					a.do("DELETE", "/image/v2/images/"+id, nil)
				}
			}
		})
	}
	var copies []string
	for n := range 5 {
		to := filepath.Join(top, fmt.Sprintf("backup-%d", n))
		status, _, errOut := once(t, "backup", "-data-dir", dir, "-to", to)
		if status == 0 {
			copies = append(copies, to)
		} else if !strings.Contains(errOut, "images were deleted while they were copied") {
			t.Errorf("status %d: %s", status, errOut)
		}
	}
	close(stop)
	work.Wait()
	p.stop()
	if len(copies) == 0 {
		t.Error("no backup succeeded")
	}
	for _, c := range copies {
		mustDo(t, "restore", "-data-dir", c+".data", "-from", c)
	}
	left, err := filepath.Glob(filepath.Join(top, "*.partial"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
