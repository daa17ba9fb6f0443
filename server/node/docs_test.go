package node

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/api/glance"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
)

// pages are what people wrote; those made by a generator have tests of their own.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"README.md", "docs/*.md", "docs/adr/*.md"} {
		found, err := filepath.Glob("../../" + pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: no page is there (%v)", pattern, err)
		}
		for _, file := range found {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all[strings.TrimPrefix(file, "../../")] = string(b)
		}
	}
	return all
}

var (
	treePath = regexp.MustCompile(`(^|[\s(\x60"|])((?:server|hypervisor|statestore|provider|resources|examples|docs)/[A-Za-z0-9_./*-]*)`)
	mdLink   = regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)
	makeName = regexp.MustCompile("`make ([a-z-]+)")
)

// What a page names is there: files and packages, pages that it links to, targets of make.
func TestPagesNameWhatIsThere(t *testing.T) {
	makefile, err := os.ReadFile("../../GNUmakefile")
	if err != nil {
		t.Fatal(err)
	}
	for page, text := range pages(t) {
		named := 0
		for _, m := range treePath.FindAllStringSubmatch(text, -1) {
			name := strings.TrimRight(strings.TrimSuffix(m[2], "..."), "./")
			named++
			if found, err := filepath.Glob("../../" + name); err != nil || len(found) == 0 {
				t.Errorf("%s names %s, which is not there", page, name)
			}
		}
		for _, m := range mdLink.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat("../../" + path.Join(path.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			}
		}
		for _, m := range makeName.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(string(makefile), "\n"+m[1]+":") {
				t.Errorf("%s tells to run make %s, which is no target", page, m[1])
			}
		}
		if page == "docs/architecture.md" && named < 50 {
			t.Errorf("%s names %d paths only: they are not recognized any more", page, named)
		}
	}
}

// docs/architecture.md has a line for every package.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	text := pages(t)["docs/architecture.md"]
	for _, p := range packages(t, "1", "./...") {
		dir := strings.TrimPrefix(p.ImportPath, module)
		if strings.Contains(dir, "/testdata") {
			continue
		}
		if strings.HasPrefix(dir, "resources/") {
			dir = "resources/*"
		}
		if !strings.Contains(text, "`"+dir+"`") {
			t.Errorf("docs/architecture.md does not tell what %s is for", dir)
		}
	}
}

// The table of docs/errors.md is what the code answers.
func TestErrorsPage(t *testing.T) {
	services := map[string]*front.Service{}
	for _, s := range Services(identity.Authority{}, nil, glance.Deps{}) {
		services[s.Name] = s
	}
	text := pages(t)["docs/errors.md"]
	kinds := 0
	for k := cloud.Kind(0); !strings.HasPrefix(k.String(), "kind("); k++ {
		row := fmt.Sprintf("| %s |", k)
		for _, name := range []string{"keystone", "glance", "nova", "neutron"} {
			status := k.Status()
			if s := services[name]; s.Status != nil && s.Status(k) != 0 {
				status = s.Status(k)
			}
			row += fmt.Sprintf(" %d |", status)
		}
		if !strings.Contains(text, row) {
			t.Errorf("docs/errors.md has no row that begins %q", row)
		}
		kinds++
	}
	if kinds < 12 {
		t.Errorf("there are %d kinds: String does not end the list any more", kinds)
	}
}

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// The worked example of docs/adding-a-resource.md is the code, line by line.
func TestTheWorkedExampleIsTheCode(t *testing.T) {
	words := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	code := ""
	for _, file := range []string{"server/compute/keypair.go", "server/api/nova/keypairs.go"} {
		b, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		code += words(string(b)) + " "
	}
	blocks := goBlock.FindAllStringSubmatch(pages(t)["docs/adding-a-resource.md"], -1)
	if len(blocks) < 5 {
		t.Errorf("there are %d blocks of code", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(code, words(b[1])) {
			t.Errorf("docs/adding-a-resource.md shows what is not in the code:\n%s", b[1])
		}
	}
}
