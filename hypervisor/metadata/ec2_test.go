package metadata

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// walk reads EC2's tree as its clients do: a listing's lines that end in a slash
// are directories, "0=name" is a key under 0/openssh-key, other lines are files.
func walk(t *testing.T, i Instance, path string) map[string]any {
	out := map[string]any{}
	for _, line := range strings.Split(get(t, i, path), "\n") {
		if line == "" {
			continue
		}
		if sub, ok := strings.CutSuffix(line, "/"); ok {
			out[sub] = walk(t, i, path+sub+"/")
			continue
		}
		name, file := line, line
		if n, label, ok := strings.Cut(line, "="); ok {
			if _, err := strconv.Atoi(n); err == nil {
				name, file = label, n+"/openssh-key"
			}
		}
		out[name] = get(t, i, path+file)
	}
	return out
}

func TestEC2TreeAsItsClientsWalkIt(t *testing.T) {
	want := map[string]any{
		"ami-id": "ami-11223344", "ami-launch-index": "2", "ami-manifest-path": "(unknown)",
		"block-device-mapping": map[string]any{"ami": "vda", "root": "/dev/vda"},
		"hostname":             "web-1", "instance-action": "none", "instance-id": "i-8f3f9b5c", "instance-type": "m1.tiny",
		"local-hostname": "web-1", "local-ipv4": "10.0.0.5", "placement": map[string]any{"availability-zone": "nova"},
		"public-hostname": "web-1", "public-ipv4": "",
		"public-keys":    map[string]any{"ops": "ssh-ed25519 AAAA ops", "dev": "CERT"},
		"reservation-id": "r-8f3f9b5c", "security-groups": "default\nweb",
	}
	for _, v := range []string{"latest", "2009-04-04"} {
		if d := cmp.Diff(want, walk(t, guest(), "/"+v+"/meta-data/")); d != "" {
			t.Errorf("%s: %s", v, d)
		}
	}
	if got := get(t, guest(), "/2009-04-04/user-data"); got != string(guest().UserData) {
		t.Errorf("user data is %q", got)
	}
}

func TestEC2Listings(t *testing.T) {
	root := strings.Split(get(t, guest(), "/"), "\n")
	if root[0] != "1.0" || root[len(root)-1] != "latest" || strings.Contains(strings.Join(root, " "), "openstack") {
		t.Errorf("the root lists %v", root)
	}
	for path, want := range map[string]string{
		"/latest":                          "meta-data/\nuser-data",
		"/latest/":                         "meta-data/\nuser-data",
		"//latest//meta-data//placement/":  "availability-zone",
		"/latest/meta-data/public-keys":    "0=ops\n1=dev",
		"/latest/meta-data/public-keys/1/": "openssh-key",
	} {
		if got := get(t, guest(), path); got != want {
			t.Errorf("%s lists %q, want %q", path, got, want)
		}
	}
	none := guest()
	none.Keys, none.UserData, none.ReservationID = nil, nil, "r-own"
	for _, path := range []string{"/latest/meta-data/public-keys", "/latest/user-data", "/2008-13-13/meta-data", "/latest/meta-data/iam"} {
		if w := ask(t, none, path); w.Code != 404 {
			t.Errorf("%s: %d, want 404", path, w.Code)
		}
	}
	if got := get(t, none, "/latest/meta-data/reservation-id"); got != "r-own" {
		t.Errorf("reservation is %q", got)
	}
}
