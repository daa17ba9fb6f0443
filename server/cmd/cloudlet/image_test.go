package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestImageLimits proves the order: a project's own limit, what is registered, what
// was typed.
func TestImageLimits(t *testing.T) {
	t.Parallel()
	_, base := dev(t, t.TempDir(), "-image-limit", "image_count_total:1", "-image-limit", "image_size_total:1")
	a := asAdmin(t, base)
	demo, _ := login(t, http.DefaultClient, base, "demo", password)
	create := func(u *api) int {
		status, _ := u.send("POST", "/image/v2/images", object{"name": "i", "disk_format": "raw", "container_format": "bare"})
		return status
	}
	usage := func(u *api, name string) string {
		x := u.do("GET", "/image/v2/info/usage", nil)["usage"].(object)[name].(object)
		return fmt.Sprint(x["usage"], " of ", x["limit"])
	}
	want := func(what string, u *api, statuses ...int) {
		t.Helper()
		for _, s := range statuses {
			if got := create(u); got != s {
				t.Errorf("%s: a create answers %d, want %d; %s", what, got, s, usage(u, "image_count_total"))
			}
		}
	}
	want("as typed", demo, 201, 413)
	var service, project string
	for _, s := range a.do("GET", "/identity/v3/services?type=image", nil)["services"].([]any) {
		service = s.(object)["id"].(string)
	}
	for _, p := range a.do("GET", "/identity/v3/projects?name=demo", nil)["projects"].([]any) {
		project = p.(object)["id"].(string)
	}
	a.do("POST", "/identity/v3/registered_limits", object{"registered_limits": []object{{"service_id": service, "resource_name": "image_count_total", "default_limit": 2}}})
	want("as registered", demo, 201, 413)
	a.do("POST", "/identity/v3/limits", object{"limits": []object{{"service_id": service, "project_id": project, "resource_name": "image_count_total", "resource_limit": 3}}})
	want("with a limit of its own", demo, 201, 413)
	want("another project", a, 201, 201, 413)
	for name, has := range map[string]string{"image_count_total": "3 of 3", "image_size_total": "0 of 1", "image_stage_total": "0 of -1", "image_count_uploading": "0 of -1"} {
		if got := usage(demo, name); got != has {
			t.Errorf("%s: %s, want %s", name, got, has)
		}
	}
	a.do("POST", "/identity/v3/registered_limits", object{"registered_limits": []object{{"service_id": service, "region_id": "RegionOne", "resource_name": "image_size_total", "default_limit": 2}}})
	id := demo.do("GET", "/image/v2/images", nil)["images"].([]any)[0].(object)["id"].(string)
	if status, b := demo.send("PUT", "/image/v2/images/"+id+"/file", make([]byte, 2<<20+1)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("more than 2 MiB: %d %s", status, b)
	}
	demo.do("PUT", "/image/v2/images/"+id+"/file", make([]byte, 2<<20))
	if got := usage(demo, "image_size_total"); got != "2 of 2" {
		t.Errorf("image_size_total: %s", got)
	}
}

// TestSignedImages has one signed image pass, and its tampered copy not, by
// certificates of the credential store and of a trust directory.
func TestSignedImages(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "signer"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	content := []byte(strings.Repeat("image ", 100_000))
	sum := sha256.Sum256(content)
	sig, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], nil)
	if err != nil {
		t.Fatal(err)
	}
	const pinned = "99999999-9999-4999-8999-999999999999"
	for name, trusts := range map[string]bool{"credential store": false, "trust directory": true} {
		t.Run(name, func(t *testing.T) {
			dir, trust := t.TempDir(), t.TempDir()
			args := []string{}
			if trusts {
				write(t, filepath.Join(trust, pinned+".pem"), text)
				args = append(args, "-image-trust-dir", trust)
			}
			_, base := dev(t, dir, args...)
			demo, _ := login(t, http.DefaultClient, base, "demo", password)
			me := demo.do("GET", "/identity/v3/auth/tokens", nil, "X-Subject-Token", demo.token)["token"].(object)["user"].(object)["id"]
			stored := demo.do("POST", "/identity/v3/credentials", object{"credential": object{"type": "cert", "blob": text, "user_id": me}})["credential"].(object)["id"].(string)
			upload := func(cert string, content []byte) (string, int) {
				i := demo.do("POST", "/image/v2/images", object{"name": "i", "disk_format": "raw", "container_format": "bare",
					"img_signature": base64.StdEncoding.EncodeToString(sig), "img_signature_hash_method": "SHA-256", "img_signature_key_type": "RSA-PSS", "img_signature_certificate_uuid": cert})
				status, _ := demo.send("PUT", "/image/v2/images/"+i["id"].(string)+"/file", content)
				return demo.do("GET", "/image/v2/images/"+i["id"].(string), nil)["status"].(string), status
			}
			good := map[bool]string{false: stored, true: pinned}[trusts]
			tampered := []byte(string(content))
			tampered[len(tampered)/2] ^= 1
			for _, c := range []struct {
				cert    string
				content []byte
				status  string
				answer  int
			}{{good, tampered, "killed", 400}, {map[bool]string{true: stored, false: pinned}[trusts], content, "killed", 400}, {good, content, "active", 204}} {
				if got, answer := upload(c.cert, c.content); got != c.status || answer != c.answer {
					t.Errorf("certificate %s: %s, %d; want %s, %d", c.cert, got, answer, c.status, c.answer)
				}
			}
			files, err := filepath.Glob(filepath.Join(dir, "images", strings.Repeat("?", 64)))
			if err != nil || len(files) != 1 {
				t.Errorf("%v, %v are kept", files, err)
			}
			if left, err := os.ReadDir(filepath.Join(dir, "images", "incoming")); err != nil || len(left) != 0 {
				t.Errorf("%v, %v are left", left, err)
			}
		})
	}
	failing(t, 1, []string{"dev", "-driver", "sim", "-data-dir", t.TempDir(), "-listen", "127.0.0.1:0", "-image-trust-dir", filepath.Join(t.TempDir(), "gone")}, "trusted certificates of images")
}

func TestRestoreImage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, base := dev(t, dir, "-image-delete-delay", "1h")
	a := asAdmin(t, base)
	id := a.image("precious", []byte("content"))
	failing(t, 1, []string{"admin", "restore-image", "-data-dir", dir, "-image", id}, "only one that is pending_delete can be restored")
	a.do("DELETE", "/image/v2/images/"+id, nil)
	if status, _ := a.send("GET", "/image/v2/images/"+id, nil); status != http.StatusNotFound {
		t.Errorf("a deleted image answers %d", status)
	}
	_, out, _ := once(t, "admin", "restore-image", "-data-dir", dir)
	mustContain(t, out, id, `"precious"`)
	mustDo(t, "admin", "restore-image", "-data-dir", dir, "-image", id)
	if _, b := a.send("GET", "/image/v2/images/"+id+"/file", nil); string(b) != "content" {
		t.Errorf("%q comes back", b)
	}
	if _, out, _ = once(t, "admin", "restore-image", "-data-dir", dir); strings.Contains(out, id) {
		t.Errorf("it is still listed: %s", out)
	}
	failing(t, 1, []string{"admin", "restore-image", "-data-dir", dir, "-image", "nothing"}, "could not be found")
	p.stop()
	failing(t, 1, []string{"admin", "restore-image", "-data-dir", dir}, "no server runs")
}
