package node

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/cloudlet/cloudlet/"

// bans are the arrows that must not be drawn, each with its reason. A package
// matches a prefix if it is it or is below it.
var bans = []struct {
	from   []string
	to     []string
	except []string // packages below to that may be imported all the same
	reason string
}{
	{[]string{"statestore"}, []string{"server", "hypervisor", "provider", "resources"}, nil,
		"the store knows nothing of clouds, so that it can be tested and trusted by itself"},
	{[]string{"hypervisor"}, []string{"server", "statestore", "provider", "resources"}, nil,
		"a host works from what it is told, also when the server is away"},
	{[]string{"provider", "resources"}, []string{"server", "statestore", "hypervisor"}, []string{"server/cloudtest"},
		"the provider needs nothing but the OpenStack API; only its tests may start a cloud"},
	{[]string{"server/cloud"}, []string{"server", "statestore", "hypervisor"}, nil,
		"the vocabulary depends on nothing, so that everything can depend on it"},
	{[]string{"server/scheduler"}, []string{"server", "statestore", "hypervisor"}, []string{"server/cloud"},
		"the choice of a host is a pure function"},
	{[]string{"server/identity"}, []string{"server"}, []string{"server/cloud"},
		"domains point down: identity is the lowest"},
	{[]string{"server/image"}, []string{"server"}, []string{"server/cloud", "server/identity"},
		"domains point down: image stands on identity"},
	{[]string{"server/network"}, []string{"server"}, []string{"server/cloud", "server/identity", "server/image"},
		"domains point down: network stands on image and identity"},
	{[]string{"server/compute"}, []string{"server"}, []string{"server/cloud", "server/identity", "server/image", "server/network", "server/scheduler"},
		"domains point down, and know nothing of HTTP"},
	{[]string{"server/identity", "server/image", "server/network", "server/compute", "server/scheduler"}, []string{"hypervisor", "provider", "resources"}, nil,
		"a rule never reaches a host"},
	{[]string{"server/api"}, []string{"hypervisor", "server/hosts", "server/node", "statestore/pebble", "provider", "resources"}, nil,
		"a handler never waits on a host and knows no storage engine"},
	{[]string{"server/api/front"}, []string{"server"}, []string{"server/cloud", "server/api/front"},
		"the front serves every dialect and knows none"},
	{[]string{"server/api/keystone", "server/api/glance", "server/api/neutron", "server/api/nova"}, []string{"server/api"},
		[]string{"server/api/front", "server/api/keystone", "server/api/glance", "server/api/neutron", "server/api/nova"},
		"dialects share the front only"},
	{[]string{"server/hosts"}, []string{"server/api", "server/node", "provider", "resources"}, nil,
		"the agents' streams and the users' calls meet in the store"},
}

// dialects must not import each other.
var dialects = []string{"server/api/keystone", "server/api/glance", "server/api/neutron", "server/api/nova"}

// lean are programs that must build without cgo and without what only others need.
var lean = map[string][]string{
	"provider/cmd/terraform-provider-cloudlet": {"libvirt.org/go/libvirt", "github.com/cockroachdb/pebble", module + "server"},
	"server/cmd/cloudlet":                      {"libvirt.org/go/libvirt", "github.com/hashicorp/terraform-plugin-framework", module + "provider"},
}

type pkg struct {
	ImportPath, Dir, Doc      string
	Imports, Deps             []string
	TestImports, XTestImports []string
}

func packages(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Doc,Imports,Deps,TestImports,XTestImports"}, args...)...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p pkg
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func below(p string, prefixes []string) bool {
	for _, x := range prefixes {
		if p == x || strings.HasPrefix(p, x+"/") {
			return true
		}
	}
	return false
}

func TestArrowsPointDown(t *testing.T) {
	for _, p := range packages(t, "./...") {
		from, ok := strings.CutPrefix(p.ImportPath, module)
		if !ok {
			continue
		}
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, module)
			if !ours {
				continue
			}
			for _, b := range bans {
				sameGroup := below(to, b.from) && below(from, []string{firstOf(to, b.from)})
				if below(from, b.from) && below(to, b.to) && !below(to, b.except) && !sameGroup {
					t.Errorf("%s imports %s: %s", from, to, b.reason)
				}
			}
			if below(from, dialects) && below(to, dialects) && firstOf(from, dialects) != firstOf(to, dialects) {
				t.Errorf("%s imports %s: dialects share the front only", from, to)
			}
		}
	}
}

func firstOf(p string, prefixes []string) string {
	for _, x := range prefixes {
		if below(p, []string{x}) {
			return x
		}
	}
	return "-"
}

func TestProgramsStayLean(t *testing.T) {
	for prog, banned := range lean {
		for _, p := range packages(t, "./"+prog) {
			for _, d := range p.Deps {
				if below(d, banned) {
					t.Errorf("%s is built with %s", prog, d)
				}
			}
		}
	}
}

func TestEveryPackageHasADoc(t *testing.T) {
	for _, p := range packages(t, "./...") {
		if p.Doc == "" && !strings.Contains(p.ImportPath, "/testdata") {
			t.Errorf("%s has no package comment: say what it is for and what holds in it", p.ImportPath)
		}
	}
}

func TestNoFileIsTooLong(t *testing.T) {
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2 {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".pb.go") {
			return nil
		}
		b, err := os.ReadFile(path)
		if n := bytes.Count(b, []byte("\n")); n > 600 {
			t.Errorf("%s has %d lines: files are about one topic and under 600", path, n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
