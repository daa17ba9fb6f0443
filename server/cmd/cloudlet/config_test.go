package main

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/node"
)

// every is a value for each setting that is not its default, as in a file.
var every = map[string]string{
	"listen":         `"[::1]:0"`,
	"data-dir":       `"/some/where"`,
	"seed":           `"none"`,
	"admin-password": `"p'w"`,
	"policy":         `"policy.hcl"`,
	"tls-cert":       `"cert.pem"`,
	"tls-key":        `"key.pem"`,
	"ca-cert":        `"ca.pem"`,
	"region":         `"north"`,
	"agent-listen":   `"127.0.0.1:0"`,
	"image-store":    `["a:/a", "b:s3://bucket/prefix?endpoint=https://s3.test:9000&region=north"]`,
	"fetch-allow":    `"10.0.0.0/8"`,

	"image-store-default": `"a"`,
	"image-locations":     `true`,
	"image-convert":       `"raw"`,
	"image-decompress":    `true`,
	"image-limit":         `["image_count_total:5", "image_size_total:7"]`,
	"image-delete-delay":  `"1h0m0s"`,
	"image-trust-dir":     `"/trust"`,
	"driver":              `"libvirt"`,
	"driver-plugin":       `"plugin"`,
	"libvirt-uri":         `"qemu:///session"`,
	"virt-type":           `"qemu"`,
	"host-name":           `"h1"`,
	"zone":                `"z1"`,
	"tunnel-address":      `"192.0.2.1"`,
	"physnet":             `["public:br0", "lab:br1"]`,
	"sim-hosts":           `3`,
	"log-level":           `"debug"`,
	"log-format":          `"json"`,

	"token-expiration": `60`, "request-token-duration": `60`, "access-token-duration": `60`,
	"credential-user-limit": `7`, "application-credential-user-limit": `8`, "trust-user-limit": `-1`, "key-rotation": `"24h0m0s"`, "limit-model": `"strict_two_level"`, "lockout-failure-attempts": `3`, "lockout-duration": `60`, "disable-user-account-days-inactive": `90`,
	"password-expires-days": `30`, "unique-last-password-count": `5`, "minimum-password-age": `1`, "change-password-upon-first-use": `true`,
	"password-regex": `"^.{8,}$"`, "password-regex-description": `"8 characters"`,
}

// declared is every setting of server and host, declared as the commands do.
type declared struct {
	*settings
	out      bytes.Buffer
	server   serverFlags
	host     hostFlags
	logs     logFlags
	simHosts *int
}

func declare() *declared {
	d := &declared{}
	d.settings = newSettings("dev", "For tests.", &d.out).withFile()
	d.server.declare(d.settings)
	d.host.declare(d.settings, "sim", "libvirt")
	d.simHosts = d.Int("sim-hosts", 1, "")
	d.logs.declare(d.settings)
	d.StringVar(&d.server.agentListen, "agent-listen", "", "")
	return d
}

func (d *declared) values() map[string]string {
	all := map[string]string{}
	for _, n := range d.names() {
		if n != "config" {
			all[n] = d.Lookup(n).Value.String()
		}
	}
	return all
}

func TestFlagsAndFileMeanTheSame(t *testing.T) {
	var file strings.Builder
	var args []string
	for _, name := range declare().names() {
		if name == "config" {
			continue
		}
		value := every[name]
		if value == "" {
			t.Fatalf("the test lacks the setting %s", name)
		}
		fmt.Fprintf(&file, "%s = %s\n", name, value)
		typed := strings.NewReplacer(`"`, "", "[", "", "]", "", ", ", ",").Replace(value)
		if name == "listen" {
			typed = "[::1]:0"
		}
		args = append(args, "-"+name+"="+typed)
	}
	byFlag, byFile := declare(), declare()
	if err := byFlag.parse(args); err != nil {
		t.Fatal(err, byFlag.out.String())
	}
	path := write(t, filepath.Join(t.TempDir(), "cloudlet.hcl"), file.String())
	if err := byFile.parse([]string{"-config", path}); err != nil {
		t.Fatal(err, byFile.out.String())
	}
	if f, h := byFlag.values(), byFile.values(); !maps.Equal(f, h) {
		t.Errorf("flags give %v\nthe file gives %v", f, h)
	}
	defaults := declare().values()
	for name, v := range byFile.values() {
		if v == defaults[name] {
			t.Errorf("%s stayed %q", name, v)
		}
	}
	if got := byFile.host.physnets; !maps.Equal(got, map[string]string{"public": "br0", "lab": "br1"}) || *byFile.simHosts != 3 {
		t.Errorf("physnets %v, %d hosts", got, *byFile.simHosts)
	}
}

func TestOptionsOfSettings(t *testing.T) {
	d := declare()
	if err := d.parse([]string{"-data-dir", "/d", "-seed", "none", "-region", "north", "-tunnel-address", "192.0.2.1", "-zone", "z", "-host-name", "h", "-physnet", "a:b", "-physnet", "c:d"}); err != nil {
		t.Fatal(err)
	}
	so, err1 := d.server.check(d.settings)
	ho, err2 := d.host.check(d.settings)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if so.DataDir != "/d" || so.Seed || so.Region != "north" || so.Listen != "127.0.0.1:5000" || so.TLS != nil {
		t.Errorf("server: %+v", so)
	}
	if ho.Driver != "sim" || ho.TunnelAddress != netip.MustParseAddr("192.0.2.1") || ho.Zone != "z" || ho.Name != "h" || len(ho.Physnets) != 2 {
		t.Errorf("host: %+v", ho)
	}
	for _, wrong := range [][]string{{"-token-expiration=0"}, {"-limit-model=x"}, {"-lockout-failure-attempts=-1"}, {"-password-regex=("}, {"-image-store=a:s3://k:s@bucket"}, {"-image-store=a:s3://bucket?endpoint=http://192.0.2.1"}, {"-password-regex=a"}, {"-minimum-password-age=3", "-password-expires-days=3"}} {
		d := declare()
		err := d.parse(wrong)
		if err == nil {
			_, err = d.server.check(d.settings)
		}
		if err == nil || !strings.Contains(d.out.String(), wrong[0][:strings.IndexByte(wrong[0], '=')]) {
			t.Errorf("%v: %v, %s", wrong, err, d.out.String())
		}
	}
	three := node.HostOptions{Name: "h", DataDir: "/d"}.Copies(3)
	if three[2].Name != "h-3" || three[2].DataDir != "/d/host/h-3" || len(three) != 3 {
		t.Errorf("copies: %+v", three)
	}
}

func TestTypedWinsOverFileWinsOverEnvironment(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "c.hcl"), "admin-password = \"of-file\"\nregion = \"of-file\"\nzone = \"of-file\"\n")
	for _, c := range []struct {
		args                   []string
		password, region, zone string
	}{
		{nil, "of-env", "RegionOne", "nova"},
		{[]string{"-config", path}, "of-file", "of-file", "of-file"},
		{[]string{"-config", path, "-admin-password", "typed", "-region=typed"}, "typed", "typed", "of-file"},
		{[]string{"-region=typed", "-config=" + path}, "of-file", "typed", "of-file"},
	} {
		t.Setenv("CLOUDLET_ADMIN_PASSWORD", "of-env")
		d := declare()
		if err := d.parse(c.args); err != nil {
			t.Fatal(err, d.out.String())
		}
		if d.server.adminPassword != c.password || d.server.region != c.region || d.host.zone != c.zone {
			t.Errorf("%q: password %q, region %q, zone %q", c.args, d.server.adminPassword, d.server.region, d.host.zone)
		}
		if v, there := os.LookupEnv("CLOUDLET_ADMIN_PASSWORD"); there {
			t.Errorf("%q: programs that are started would inherit the password %q", c.args, v)
		}
	}
}

func TestFileFaults(t *testing.T) {
	for _, c := range []struct {
		name, file string
		want       []string
	}{
		{"typo", "region = \"r\"\n\nlog-levle = \"debug\"\n", []string{"c.hcl line 3", `log-levle = "debug"`, "Unknown setting", `Did you mean "log-level"?`}},
		{"another typo", "seeds = \"none\"\n", []string{"line 1", `Did you mean "seed"?`}},
		{"nothing near", "frobnicate = 1\n", []string{"line 1", `cloudlet dev has no setting "frobnicate".`}},
		{"a file in the file", "config = \"other.hcl\"\n", []string{`has no setting "config"`}},
		{"wrong word", "driver = \"xen\"\n", []string{"line 1", `driver = "xen"`, "driver: must be one of sim, libvirt."}},
		{"wrong type", "\nsim-hosts = \"many\"\n", []string{"line 2", "sim-hosts: "}},
		{"not a number", "sim-hosts = [1, 2]\n", []string{"line 1", "sim-hosts: "}},
		{"object", "physnet = { public = \"br0\" }\n", []string{"line 1", "physnet: a string, number, boolean or a list of them is required."}},
		{"null", "zone = null\n", []string{"line 1", "zone: a value is required."}},
		{"block", "host {\n  name = \"x\"\n}\n", []string{"line 1", "host"}},
		{"twice", "zone = \"a\"\nzone = \"b\"\n", []string{"line 2", "zone"}},
		{"syntax", "zone = \"a\nregion = \"b\"\n", []string{"line 1"}},
		{"reference", "zone = var.zone\n", []string{"line 1", "Variables not allowed"}},
		{"two faults", "zoen = \"a\"\ndriver = \"b\"\n", []string{`Did you mean "zone"?`, "must be one of"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := write(t, filepath.Join(dir, "c.hcl"), c.file)
			status, out, errOut := call(t, "dev", "-config", path, "-data-dir", filepath.Join(dir, "data"))
			if status != 2 || out != "" {
				t.Errorf("status %d, out %q", status, out)
			}
			mustContain(t, errOut, c.want...)
			if c.name == "nothing near" && strings.Contains(errOut, "Did you mean") {
				t.Errorf("a far-fetched suggestion: %s", errOut)
			}
			if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
				t.Error("a data directory was made")
			}
		})
	}
	status, _, errOut := call(t, "dev", "-config", "/nonexistent/c.hcl")
	if status != 2 {
		t.Errorf("status %d", status)
	}
	mustContain(t, errOut, "/nonexistent/c.hcl")
}

func TestHelpTellsNoSecret(t *testing.T) {
	t.Setenv("CLOUDLET_ADMIN_PASSWORD", "hidden-word")
	for _, args := range [][]string{{"dev", "-admin-password", "hidden-word", "-h"}, {"dev", "-admin-password", "hidden-word", "-nonsense"}, {"dev", "-h"}} {
		if _, out, errOut := call(t, args...); strings.Contains(out+errOut, "hidden-word") {
			t.Errorf("%q tells the password:\n%s", args, out+errOut)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"seed", "zone", "listen", "host-name"}
	for wrong, want := range map[string]string{"seeed": "seed", "host_name": "host-name", "lsten": "listen", "foo": "", "x": "", "hostname": "host-name", "zones": "zone"} {
		if got := nearest(wrong, names); got != want {
			t.Errorf("nearest(%q) = %q, want %q", wrong, got, want)
		}
	}
	if !slices.IsSorted(declare().names()) {
		t.Error("names are not sorted: a tie would be decided by chance")
	}
}

// FuzzFile proves that no file makes the command line panic, or pass with a
// complaint.
func FuzzFile(f *testing.F) {
	for name, value := range every {
		f.Add(name + " = " + value + "\n")
	}
	f.Add("a {}\n\"b\" = 1\nzone = <<E\nx\nE\n")
	f.Fuzz(func(t *testing.T, text string) {
		d := declare()
		path := write(t, filepath.Join(t.TempDir(), "c.hcl"), text)
		if err := d.parse([]string{"-config", path}); (err == nil) != (d.out.Len() == 0) {
			t.Errorf("error %v, said: %s", err, d.out.String())
		}
	})
}
