package nova

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/cloudlet/cloudlet/server/compute"
)

const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIWCHTvFJeJcQEpUEZ/4SWEIyHgJ4dDhOn3ovk0kZBQT ann@example"

func TestKeypairShape(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		version         string
		status, deleted int
		create, list    []string
	}{
		{"2.1", 200, 202, []string{"fingerprint", "name", "public_key", "user_id"}, []string{"fingerprint", "name", "public_key"}},
		{"2.2", 201, 204, []string{"fingerprint", "name", "public_key", "type", "user_id"}, []string{"fingerprint", "name", "public_key", "type"}},
		{"2.90", 201, 204, []string{"fingerprint", "name", "public_key", "type", "user_id"}, []string{"fingerprint", "name", "public_key", "type"}},
	} {
		at := "ann@" + c.version
		a := w.post(at, "/os-keypairs", `{"keypair":{"name":"k","public_key":"`+publicKey+`"}}`).want(c.status)
		if got := a.keys("keypair"); !slices.Equal(got, c.create) {
			t.Errorf("%s create: members %v, want %v", c.version, got, c.create)
		}
		if got := w.get(at, "/os-keypairs").keys("keypairs/0/keypair"); !slices.Equal(got, c.list) {
			t.Errorf("%s list: members %v, want %v", c.version, got, c.list)
		}
		show := slices.Sorted(slices.Values(slices.Concat(c.list, []string{"created_at", "deleted", "deleted_at", "id", "updated_at", "user_id"})))
		a = w.get(at, "/os-keypairs/k")
		if got := a.keys("keypair"); !slices.Equal(got, show) {
			t.Errorf("%s show: members %v, want %v", c.version, got, show)
		}
		a.check(map[string]any{"keypair/public_key": publicKey, "keypair/user_id": "ann", "keypair/deleted": false, "keypair/deleted_at": nil})
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(publicKey))
		if err != nil {
			t.Fatal(err)
		}
		if want := ssh.FingerprintLegacyMD5(key); a.text("keypair/fingerprint") != want {
			t.Errorf("fingerprint %s, want %s", a.text("keypair/fingerprint"), want)
		}
		w.call(at, "DELETE", "/v2.1/os-keypairs/k", "").want(c.deleted)
		w.call(at, "GET", "/v2.1/os-keypairs/k", "").fails(404, "", "Keypair k not found for user ann")
	}
}

func TestKeypairGenerated(t *testing.T) {
	w := newWorld(t)
	a := w.post("ann@2.2", "/os-keypairs", `{"keypair":{"name":"g"}}`).want(201)
	signer, err := ssh.ParsePrivateKey([]byte(a.text("keypair/private_key")))
	if err != nil {
		t.Fatal(err)
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(a.text("keypair/public_key")))
	if err != nil {
		t.Fatal(err)
	}
	if string(signer.PublicKey().Marshal()) != string(public.Marshal()) {
		t.Error("the halves do not belong together")
	}
	if strings.Contains(w.get("ann@2.2", "/os-keypairs/g").raw, "PRIVATE") {
		t.Error("the private key is told again")
	}
}

func TestKeypairs(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"c", "a", "b"} {
		w.post("ann@2.2", "/os-keypairs", `{"keypair":{"name":"`+name+`","type":"ssh","public_key":"`+publicKey+`"}}`).want(201)
	}
	w.post("ann", "/os-keypairs", `{"keypair":{"name":"a","public_key":"`+publicKey+`"}}`).fails(409, "/keypair/name", "Key pair 'a' already exists.")
	a := w.get("ann@2.35", "/os-keypairs?limit=2")
	if got := a.text("keypairs_links/0/href"); !strings.HasPrefix(got, w.url+"/compute/v2.1/os-keypairs?") || !strings.Contains(got, "marker=b") {
		t.Errorf("next page: %q", got)
	}
	if l, _ := w.call("ann@2.35", "GET", a.text("keypairs_links/0/href"), "").want(200).at("keypairs").([]any); len(l) != 1 {
		t.Errorf("second page: %v", l)
	}
	if n := len(w.get("bob@2.2", "/os-keypairs").at("keypairs").([]any)); n != 0 {
		t.Errorf("bob sees %d keypairs of ann's", n)
	}
	w.call("bob", "GET", "/v2.1/os-keypairs/a", "").fails(404, "", "")
	w.call("bob@2.10", "GET", "/v2.1/os-keypairs?user_id=ann", "").fails(403, "", "")
	w.call("bob@2.10", "DELETE", "/v2.1/os-keypairs/a?user_id=ann", "").fails(403, "", "")
	w.post("bob@2.10", "/os-keypairs", `{"keypair":{"name":"x","user_id":"ann","public_key":"`+publicKey+`"}}`).fails(403, "", "")
	if n := len(w.get("admin@2.10", "/os-keypairs?user_id=ann").at("keypairs").([]any)); n != 3 {
		t.Errorf("the admin sees %d of ann's", n)
	}
	w.post("admin@2.10", "/os-keypairs", `{"keypair":{"name":"x","user_id":"ann","public_key":"`+publicKey+`"}}`).want(201).check(map[string]any{"keypair/user_id": "ann"})

	before := w.revision()
	for _, c := range []struct{ at, keypair, field, says string }{
		{"ann", `{"name":""}`, "/keypair/name", "1 to 255"},
		{"ann", `{"name":"a/b"}`, "/keypair/name", ""},
		{"ann@2.2", `{"name":"y","public_key":"ssh-rsa junk"}`, "/keypair/public_key", "authorized_keys"},
		{"ann@2.2", `{"name":"y","public_key":"` + publicKey + `\n` + publicKey + `"}`, "/keypair/public_key", ""},
		{"ann@2.2", `{"name":"y","type":"x509"}`, "/keypair/type", "x509"},
		{"ann@2.1", `{"name":"y","type":"ssh"}`, "/keypair/type", "was unexpected"},
		{"ann@2.9", `{"name":"y","user_id":"ann"}`, "/keypair/user_id", "was unexpected"},
		{"ann", `{"name":7}`, "/keypair/name", "not of type 'string'"},
		{"ann", `{"name":"y","colour":"red"}`, "/keypair/colour", "'colour' was unexpected"},
	} {
		w.post(c.at, "/os-keypairs", `{"keypair":`+c.keypair+`}`).fails(400, c.field, c.says)
	}
	if w.revision() != before {
		t.Error("a refusal changed something")
	}
	w.write(quota("default", compute.QuotaKeyPairs, 4))
	w.post("ann", "/os-keypairs", `{"keypair":{"name":"fifth"}}`).fails(403, "", "too many key pairs")
}
