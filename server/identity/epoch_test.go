package identity

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// While a change of a password is made durable, tokens still are issued from the state before:
// they end with the others.
func TestTokensIssuedDuringAChange(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(*User){
		"password": func(u *User) { u.PasswordHash += " " }, // as a new salt would make it
		"disabled": func(u *User) { u.Enabled = false },
	} {
		set := func(change func(*User)) {
			w.write(func(tx *statestore.Txn) error {
				u := w.user("demo")
				change(&u)
				_, err := UserPut(tx, u)
				return err
			})
		}
		first, before := w.login("demo", "demo"), w.store.Snapshot()
		set(change)
		set(func(u *User) { u.Enabled = true })
		for method, c := range map[string]Credentials{"token": {Token: first, Methods: []string{"token"}},
			"password": {UserRef: UserRef{UserID: w.user("demo").ID}, Password: "secret", Methods: []string{"password"}}} {
			token, issued, err := w.auth.Issue(t.Context(), before, c, ScopeRef{})
			if err != nil {
				t.Fatal(err)
			}
			if now := w.user("demo").ValidAfter; issued.IssuedAt.Before(now) {
				t.Fatalf("the token is of %s, before %s: it proves nothing", issued.IssuedAt, now)
			}
			if _, err := w.auth.Authenticate(w.store.Snapshot(), token); !cloud.Is(err, cloud.Unauthenticated) {
				t.Errorf("%s: a token by %s from the state before is valid after: %v", name, method, err)
			}
		}
		set(func(u *User) { u.PasswordHash = w.user("admin").PasswordHash })
	}
}

// Changes at one moment by the clock are different ones.
func TestEpochsDiffer(t *testing.T) {
	w := newWorld(t)
	change := func() {
		hash, err := PasswordHash(t.Context(), "secret")
		if err != nil {
			t.Fatal(err)
		}
		err = w.store.Write(t.Context(), func(tx *statestore.Txn) error {
			u := w.user("demo")
			u.PasswordHash = hash
			_, err := UserPut(tx, u)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	change()
	token := w.login("demo", "demo")
	change()
	if _, err := w.auth.Authenticate(w.store.Snapshot(), token); !cloud.Is(err, cloud.Unauthenticated) {
		t.Errorf("a token from between two changes is valid: %v", err)
	}
}

// Attempts at the same time read that no other has failed yet. They count all the same.
func TestLockoutOfABurst(t *testing.T) {
	w := newWorld(t)
	w.auth.Compliance = Compliance{LockoutFailureAttempts: 3, LockoutDuration: time.Hour}
	before := w.store.Snapshot()
	attempt := func(password string) error {
		c := Credentials{UserRef: UserRef{UserID: w.user("demo").ID}, Password: password, Methods: []string{"password"}}
		_, _, err := w.auth.Issue(t.Context(), before, c, ScopeRef{Explicit: true})
		if note := w.auth.Noted(before, c, err); note != nil {
			if noted := w.store.Write(t.Context(), note); err == nil {
				err = noted
			}
		}
		return err
	}
	var burst sync.WaitGroup
	for n := range 8 {
		burst.Go(func() { _ = attempt(fmt.Sprint("wrong", n)) })
	}
	burst.Wait()
	if u := w.user("demo"); u.FailedLogins != 3 || !w.auth.locked(u) {
		t.Errorf("after 8 attempts at once %d count, locked: %v", u.FailedLogins, w.auth.locked(u))
	}
	if err := attempt("secret"); !cloud.Is(err, cloud.Unauthenticated) {
		t.Errorf("the right password of an account that was locked meanwhile: %v", err)
	}
}
