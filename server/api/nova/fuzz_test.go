package nova

import (
	"regexp"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/api/front"
)

var wildcard = regexp.MustCompile(`\{[a-z]+\}`)

// row is a route row with its path below /compute and a microversion that has it.
type row struct {
	*front.Route
	path, version string
}

func (r row) String() string {
	s := r.Method + " " + r.path
	if r.Action != "" {
		s += " " + r.Action
	}
	return s
}

// rows returns all rows of the service that ask who calls.
func rows() (all []row) {
	front.Rows([]*front.Service{Service(Deps{})}, func(_ *front.Service, path string, r *front.Route) {
		if r.Rule == front.Public {
			return
		}
		version := "2.90"
		if r.Max != (front.Microversion{}) {
			version = r.Max.String()
		}
		all = append(all, row{r, strings.TrimPrefix(path, "/compute"), version})
	})
	return all
}

// FuzzBodies sends anything to every row that takes a body: the answer is never
// an internal error, and what is refused changed nothing.
func FuzzBodies(f *testing.F) {
	for _, body := range []string{
		`{"server":{"name":"x","imageRef":"img","flavorRef":"1","networks":[{"uuid":"u","port":"p","fixed_ip":"::1","tag":"t"}],"min_count":"2","config_drive":"yes","block_device_mapping_v2":[{"boot_index":"0","volume_size":1.5,"no_device":null}]},"os:scheduler_hints":{"group":["g"],"x":{"y":1}}}`,
		`{"server":{"name":"x","networks":"auto","flavorRef":1,"user_data":"aGk=","metadata":{"":null},"tags":["a","a"],"hostname":"h","host":"h1"}}`,
		`{"reboot":{"type":"SOFT"}}`, `{"os-getConsoleOutput":{"length":"3"}}`, `{"os-stop":null}`, `{"lock":{"locked_reason":null}}`, `{"addSecurityGroup":{"name":"default"}}`,
		`{"keypair":{"name":"k","type":"ssh","public_key":"` + publicKey + `","user_id":"root"}}`, `{"metadata":{"a":"b"}}`, `{"meta":{"known":"b"}}`, `{"tags":["x"]}`,
		`{"flavor":{"name":"f","ram":"64","vcpus":1,"disk":0,"id":"x","rxtx_factor":1e400,"swap":-1}}`, `{"extra_specs":{"a":"b"}}`, `{"addTenantAccess":{"tenant":"p"}}`,
		`{"interfaceAttachment":{"net_id":"n","fixed_ips":[{"ip_address":"x"}]}}`, `{"quota_set":{"instances":"5","force":"no","cores":1e3}}`, `{"quota_class_set":{"ram":-1}}`,
		`{"server_group":{"name":"g","policy":"affinity","policies":null,"rules":{"max_server_per_host":9999999999999999999}}}`,
		`{"status":"disabled","forced_down":"off","disabled_reason":null}`, `{"host":"h1","binary":"nova-compute"}`, `null`, `{"server":null}`, `[{}]`, "\xff", `{"a\u0000":1}`,
	} {
		for n := range 4 {
			f.Add(uint8(n*9), body, n%2 == 0)
		}
	}
	w := newWorld(f)
	id := w.running("admin", "x", "")
	var all []row
	for _, r := range rows() {
		if r.Method == "POST" || r.Method == "PUT" {
			all = append(all, r)
		}
	}
	f.Fuzz(func(t *testing.T, n uint8, body string, old bool) {
		w.t = t
		r := all[int(n)%len(all)]
		at := "admin@" + r.version
		if old && r.Min.Minor == 0 {
			at = "admin@2.1"
		}
		path := wildcard.ReplaceAllString(strings.NewReplacer("/servers/{id}", "/servers/"+id, "/flavors/{id}", "/flavors/1", "{id}", "p1").Replace(r.path), "known")
		before := w.revision()
		a := w.call(at, r.Method, path, body)
		if a.status >= 500 && a.status != 503 {
			t.Errorf("%s %q: %d %s", r, body, a.status, a.raw)
		}
		if a.status >= 400 && w.revision() != before {
			t.Errorf("%s %q: refused with %d, but something changed", r, body, a.status)
		}
	})
}
