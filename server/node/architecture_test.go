package node

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/cloudlet/cloudlet/"

// ban is an arrow that must not be drawn. A package matches a prefix if it is it or
// is below it. Packages below one prefix of from may import each other.
type ban struct {
	from   []string
	to     []string
	except []string // packages below to that may be imported all the same
	reason string
}

// bans hold for tests as well, except for what testsMay says.
var bans = []ban{
	{[]string{"statestore"}, []string{"server", "hypervisor", "provider", "resources"}, nil,
		"the store knows nothing of clouds, so that it can be tested and trusted by itself"},
	{[]string{"hypervisor"}, []string{"server", "statestore", "provider", "resources"}, nil,
		"a host works from what it is told, also when the server is away"},
	{[]string{"provider", "resources"}, []string{"server", "statestore", "hypervisor"}, nil,
		"the provider needs nothing but the OpenStack API"},
	{[]string{"server/cloud"}, []string{"server", "statestore", "hypervisor"}, nil,
		"the vocabulary depends on nothing, so that everything can depend on it"},
	{[]string{"server/scheduler"}, []string{"server", "statestore", "hypervisor"}, []string{"server/cloud"},
		"the choice of a host is a pure function"},
	{[]string{"server/task"}, []string{"server", "hypervisor"}, []string{"server/cloud"},
		"the engine of tasks knows no kind of task"},
	{[]string{"server/identity"}, []string{"server"}, []string{"server/cloud", "server/task"},
		"domains point down: identity is the lowest"},
	{[]string{"server/image"}, []string{"server"}, []string{"server/cloud", "server/task", "server/identity"},
		"domains point down: image stands on identity"},
	{[]string{"server/network"}, []string{"server"}, []string{"server/cloud", "server/task", "server/identity", "server/image"},
		"domains point down: network stands on image and identity"},
	{[]string{"server/compute"}, []string{"server"}, []string{"server/cloud", "server/task", "server/identity", "server/image", "server/network", "server/scheduler"},
		"domains point down, and know nothing of HTTP"},
	{[]string{"server/identity", "server/image", "server/network", "server/compute", "server/scheduler", "server/task"}, []string{"hypervisor", "provider", "resources"}, nil,
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
	{[]string{"server/hosts"}, []string{"hypervisor"}, []string{"hypervisor/hostapi"},
		"server and agent share their messages and nothing else"},
	{[]string{"server/node"}, []string{"server/cmd", "server/cloudtest", "provider", "resources"}, nil,
		"the wiring is below the commands"},
	{[]string{"server/cmd"}, []string{"server", "statestore", "hypervisor", "provider", "resources"}, []string{"server/cmd", "server/node", "server/identity", "server/cloud", "hypervisor/hostapi"},
		"a command declares flags, also those of identity, and calls server/node"},
	{[]string{"server/scheduler"}, []string{"os", "net", "net/http", "crypto/rand", "math/rand", "log", "log/slog"}, nil,
		"the choice of a host is a pure function: no I/O and no chance"},
	{[]string{"server/identity", "server/image", "server/network", "server/compute"}, []string{"net/http", "google.golang.org/grpc"}, nil,
		"a rule knows nothing of the wire"},
	{[]string{"server/api"}, []string{"os/exec", "google.golang.org/grpc"}, nil,
		"a handler never reaches a host"},
}

// testsMay are what tests, and packages for tests, import although it is banned.
var testsMay = []ban{
	{[]string{"provider", "resources"}, []string{"server/cloudtest"}, nil, "acceptance tests start a cloud"},
	{[]string{"server/hosts"}, []string{"hypervisor"}, nil, "the server's end is tested with a real agent"},
	{[]string{"server/identity", "server/image", "server/network", "server/compute"}, []string{"net/http"}, nil, "formats are checked with the standard library's readers"},
	{[]string{"server/api"}, []string{"os/exec"}, nil, "dialects are spoken to with real clients"},
	{[]string{"server/cmd"}, []string{"server/image/blob/blobtest"}, nil, "the program is tested with object storage"},
	{[]string{"server/node"}, []string{"server/cloudtest"}, nil, "the wiring is tested as a whole"},
}

// forTests are the packages that only tests, and each other, import.
var forTests = []string{"statestore/storetest", "hypervisor/drivertest", "hypervisor/vswitch/vswitchtest", "hypervisor/testbed", "hypervisor/cmd/testbed",
	"server/cloudtest", "provider/providertest", "server/image/blob/blobtest"}

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

// packages lists packages with what they import, with cgo or without.
func packages(t *testing.T, cgo string, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Doc,Imports,Deps,TestImports,XTestImports"}, args...)...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
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

func (b ban) holds(from, to string) bool {
	same := below(to, b.from) && below(from, []string{firstOf(to, b.from)})
	return below(from, b.from) && below(to, b.to) && !below(to, b.except) && !same
}

// wrong returns why a package must not import another; "" if it may.
func wrong(from, to string, test bool) string {
	test = test || below(from, forTests)
	if !test && below(to, forTests) {
		return "it is for tests only"
	}
	if below(from, dialects) && below(to, dialects) && firstOf(from, dialects) != firstOf(to, dialects) {
		return "dialects share the front only"
	}
	for _, b := range bans {
		may := test && slices.ContainsFunc(testsMay, func(m ban) bool { return m.holds(from, to) })
		if b.holds(from, to) && !may {
			return b.reason
		}
	}
	return ""
}

func TestArrowsPointDown(t *testing.T) {
	for _, p := range packages(t, "1", "./...") {
		from, ok := strings.CutPrefix(p.ImportPath, module)
		if !ok {
			continue
		}
		check := func(imports []string, test bool) {
			for _, imp := range imports {
				if reason := wrong(from, strings.TrimPrefix(imp, module), test); reason != "" {
					t.Errorf("%s imports %s: %s", from, imp, reason)
				}
				if from == "server/cloud" && !test && strings.Contains(imp, ".") {
					t.Errorf("%s imports %s: the vocabulary has the standard library only", from, imp)
				}
			}
		}
		check(p.Imports, false)
		check(slices.Concat(p.TestImports, p.XTestImports), true)
	}
}

// TestBansBite proves that the rules tell wrong from right.
func TestBansBite(t *testing.T) {
	for _, c := range []struct {
		from, to string
		test, ok bool
	}{
		{"statestore", "server/cloud", false, false},
		{"statestore/pebble", "statestore", false, true},
		{"hypervisor/agent", "hypervisor/hostapi", false, true},
		{"hypervisor/agent", "server/cloud", true, false},
		{"hypervisor/cmd/cloudlet-libvirt", "hypervisor/libvirt", false, true},
		{"hypervisor/cmd/testbed", "hypervisor/testbed", false, true},
		{"hypervisor/libvirt", "hypervisor/testbed", false, false},
		{"hypervisor/libvirt", "hypervisor/testbed", true, true},
		{"resources/instance", "provider/client", false, true},
		{"resources/instance", "server/cloudtest", false, false},
		{"resources/instance", "server/cloudtest", true, true},
		{"resources/instance", "server/compute", true, false},
		{"provider/providertest", "server/cloudtest", false, true},
		{"server/cloud", "server/identity", false, false},
		{"server/identity", "server/image", false, false},
		{"server/image", "server/identity", false, true},
		{"server/image", "server/image/inspect", false, true},
		{"server/network", "server/compute", true, false},
		{"server/compute", "server/scheduler", false, true},
		{"server/compute", "net/http", false, false},
		{"server/compute", "server/api/front", true, false},
		{"server/scheduler", "crypto/rand", false, false},
		{"server/api/nova", "server/api/glance", false, false},
		{"server/api/nova", "server/api/front", false, true},
		{"server/api/nova", "server/hosts", true, false},
		{"server/api/front", "server/identity", false, false},
		{"server/api/front/policy", "server/api/front", false, true},
		{"server/hosts", "hypervisor/hostapi", false, true},
		{"server/hosts", "hypervisor/agent", false, false},
		{"server/hosts", "hypervisor/agent", true, true},
		{"server/node", "hypervisor/sim", false, true},
		{"server/cmd/cloudlet", "server/node", false, true},
		{"server/cmd/cloudlet", "server/compute", true, false},
	} {
		if reason := wrong(c.from, c.to, c.test); (reason == "") != c.ok {
			t.Errorf("%s imports %s (test: %v): %q", c.from, c.to, c.test, reason)
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
		for _, p := range packages(t, "0", "./"+prog) {
			for _, d := range p.Deps {
				if below(d, banned) {
					t.Errorf("%s is built with %s", prog, d)
				}
			}
		}
	}
}

func TestEveryPackageHasADoc(t *testing.T) {
	for _, p := range packages(t, "1", "./...") {
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
