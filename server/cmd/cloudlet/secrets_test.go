package main

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestSecretsAreNotLogged proves that no password, token, key, user data or body is
// in what a cloud of one process writes while it does all kinds of things, down to
// debug.
func TestSecretsAreNotLogged(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		dir := t.TempDir()
		p, base := dev(t, dir, "-log-level", "debug", "-log-format", format)
		a := asAdmin(t, base)
		userData := base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\necho user-data-secret\n"))
		image := a.image("i", []byte(strings.Repeat("image-secret", 100)))
		key := a.do("POST", "/compute/v2.1/os-keypairs", object{"keypair": object{"name": "k"}})["keypair"].(object)
		guest := a.instance("guest", image, object{"user_data": userData, "key_name": "k", "adminPass": "guest-pässword", "metadata": object{"m": "metadata-secret"}})
		a.do("GET", "/compute/v2.1/servers/"+guest, nil)
		a.do("POST", "/compute/v2.1/servers/"+guest+"/action", object{"os-getConsoleOutput": object{"length": 10}})
		u := a.do("POST", "/identity/v3/users", object{"user": object{"name": "u", "password": "user-pässword"}})["user"].(object)
		a.do("POST", "/identity/v3/users/"+u["id"].(string)+"/password", object{"user": object{"original_password": "user-pässword", "password": "next-pässword"}})
		old := a.token
		a.token = ""
		status, _ := a.send("POST", "/identity/v3/auth/tokens", object{"auth": object{"identity": object{"methods": []string{"token"}, "token": object{"id": old}}}})
		if status != http.StatusCreated {
			t.Fatalf("token for a token: status %d", status)
		}
		fresh := a.header.Get("X-Subject-Token")
		a.token = old
		if _, status := login(t, http.DefaultClient, base, "admin", "wrong-pässword"); status != http.StatusUnauthorized {
			t.Fatalf("login: status %d", status)
		}
		for _, bad := range []object{{"server": object{"user_data": "not-base64-secret!"}}, {"server": object{"nmae": "field-secret"}}, {"server": "string-secret"}} {
			a.send("POST", "/compute/v2.1/servers", bad)
		}
		a.send("GET", "/compute/v2.1/servers?name=query-secret", nil)
		a.send("GET", "/identity/v3/auth/tokens", nil, "X-Subject-Token", fresh)
		a.send("DELETE", "/identity/v3/auth/tokens", nil, "X-Subject-Token", fresh)
		join := token(t, dir)
		for _, part := range []string{"cmdline", "environ"} {
			if b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), part)); err != nil || part == "cmdline" && bytes.Contains(b, []byte(password)) {
				t.Errorf("/proc/PID/%s: %v", part, err)
			}
		}
		p.stop()
		text := p.out.String() + p.log.String()
		if n := strings.Count(text, "route"); n < 15 {
			t.Fatalf("%d requests are logged, so that nothing is proven:\n%s", n, text)
		}
		for _, secret := range []string{password, "s3cret", "pässword", old, fresh, userData, "user-data-secret", "image-secret", "metadata-secret", "not-base64-secret",
			"field-secret", "string-secret", "query-secret", "PRIVATE KEY", key["private_key"].(string), join, join[strings.LastIndexByte(join, '.')+1:]} {
			if strings.Contains(text, secret) {
				t.Errorf("%s log has %q:\n%s", format, secret, text)
			}
		}
	}
}

// TestDriversProgramGetsNoSecret proves that what an agent starts does not inherit
// the secrets of its environment.
func TestDriversProgramGetsNoSecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seen := filepath.Join(dir, "seen")
	program := filepath.Join(dir, "plugin")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nenv > "+seen+"\necho \"$@\" >> "+seen+"\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"dev", "-listen", "127.0.0.1:0"},
		{"agent", "-server", "./agent.sock"},
	} {
		p := launch(t, []string{"CLOUDLET_ADMIN_PASSWORD=admin-secret", "CLOUDLET_JOIN_TOKEN=join-secret", "KEPT=kept"},
			append(args, "-data-dir", filepath.Join(dir, args[0]), "-driver", "libvirt", "-driver-plugin", program)...)
		if got := p.status(); got != 1 {
			t.Errorf("%s: status %d", args[0], got)
		}
		mustContain(t, p.log.String(), "libvirt driver: ", program)
		text := read(t, seen)
		mustContain(t, text, "KEPT=kept")
		for _, secret := range []string{"admin-secret", "join-secret", "CLOUDLET_ADMIN_PASSWORD", "CLOUDLET_JOIN_TOKEN"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: the driver's program gets %s:\n%s", args[0], secret, text)
			}
		}
		if err := os.Remove(seen); err != nil {
			t.Fatal(err)
		}
	}
}
