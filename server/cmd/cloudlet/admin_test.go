package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestResetPassword(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, base := dev(t, dir)
	logs := func(user, secret string, want int) {
		t.Helper()
		if _, status := login(t, http.DefaultClient, base, user, secret); status != want {
			t.Errorf("login of %s: %d, want %d", user, status, want)
		}
	}
	a := asAdmin(t, base)
	mustDo(t, "admin", "rotate-keys", "-data-dir", dir)
	a.do("GET", "/identity/v3/projects", nil) // a token of the key before
	mustDo(t, "admin", "reset-password", "-data-dir", dir, "-password", "second")
	logs("admin", password, http.StatusUnauthorized)
	logs("admin", "second", http.StatusCreated)
	mustContain(t, shellEnv(t, dir, "-cloud", adminCloud), "OS_PASSWORD=second\n")
	mustContain(t, shellEnv(t, dir, "-cloud", userCloud), "OS_PASSWORD="+password+"\n")
	failing(t, 1, []string{"admin", "reset-password", "-data-dir", dir, "-user", "nobody"}, "Could not find user: nobody.")
	failing(t, 1, []string{"admin", "reset-password", "-data-dir", dir, "-domain", "nowhere"}, "Could not find domain: nowhere.")
	p.stop()

	status, out, errOut := once(t, "admin", "reset-password", "-data-dir", dir, "-user", "demo")
	fresh := strings.TrimSpace(out)
	if status != 0 || len(fresh) < 20 || errOut != "" {
		t.Fatalf("of a stopped server: %d %q %q", status, out, errOut)
	}
	failing(t, 1, []string{"admin", "reset-password", "-data-dir", dir, "-user", "nobody"}, "Could not find user: nobody.")
	failing(t, 1, []string{"admin", "rotate-keys", "-data-dir", dir}, "no server runs")
	failing(t, 1, []string{"admin", "reset-password", "-data-dir", t.TempDir()}, "there is no state")
	failing(t, 2, []string{"admin", "reset"}, "Usage: cloudlet admin")
	p = launch(t, nil, "dev", "-data-dir", dir, "-listen", "127.0.0.1:0")
	base = p.base()
	logs("demo", fresh, http.StatusCreated)
	logs("demo", password, http.StatusUnauthorized)
	logs("admin", "second", http.StatusCreated)
	if strings.Contains(p.log.String(), fresh) {
		t.Error("the password is in the log")
	}
	p.stop()
}
