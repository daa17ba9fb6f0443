package identity

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// alarm is a clock that a test moves; one goroutine waits by it.
type alarm struct {
	mu    sync.Mutex
	now   time.Time
	due   time.Time
	ring  chan time.Time
	armed chan struct{} // receives when somebody waits
}

func (a *alarm) Now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now
}

func (a *alarm) After(d time.Duration) <-chan time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.due, a.ring = a.now.Add(d), make(chan time.Time, 1)
	a.armed <- struct{}{}
	return a.ring
}

// pass moves the time; who was waiting for a moment until then waits again when it returns.
func (a *alarm) pass(d time.Duration) {
	a.mu.Lock()
	a.now = a.now.Add(d)
	rings := !a.now.Before(a.due)
	if rings {
		a.ring <- a.now
	}
	a.mu.Unlock()
	if rings {
		<-a.armed
	}
}

// keeping rotates keys in the background until stop is called.
func (w *world) keeping(a Authority, clock *alarm) (stop func()) {
	if err := a.KeysReady(w.Context(), w.store); err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- a.KeepKeys(ctx, w.store, func(err error) {
			if err != nil {
				w.Error(err)
			}
		})
	}()
	<-clock.armed
	return func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			w.Errorf("ended with %v", err)
		}
	}
}

// A new key comes when it is due, no valid token ends by that, and keys that nothing needs go.
func TestKeysRotateByThemselves(t *testing.T) {
	clock := &alarm{now: time.Now().UTC(), armed: make(chan struct{}, 1)}
	w := newWorldAt(t, clock)
	a := Authority{Clock: clock, Settings: Settings{TokenLife: 3 * day, KeyRotation: 5 * day}}
	stop := w.keeping(a, clock)
	w.auth = a
	type held struct {
		text string
		Token
	}
	issue := func() held {
		text := w.login("admin", "admin")
		token, _ := open(w.store.Snapshot(), text)
		return held{text, token}
	}
	var tokens []held
	seen, most := map[string]bool{}, 0
	for range 60 { // twice a day for a month
		tokens = append(tokens, issue())
		clock.pass(day / 2)
		seen[newestKey(w.store.Snapshot()).ID] = true
		most = max(most, Keys.Len(w.store.Snapshot()))
		for _, h := range tokens {
			_, err := a.Validate(w.store.Snapshot(), h.text)
			if valid := clock.Now().Before(h.ExpiresAt); (err == nil) != valid {
				t.Fatalf("of %v, valid until %v: at %v %v", h.IssuedAt, h.ExpiresAt, clock.Now(), err)
			}
			_, err = a.ValidateExpired(w.store.Snapshot(), h.text)
			if clock.Now().Before(h.ExpiresAt.Add(ExpiredWindow)) && err != nil {
				t.Fatalf("of %v, for a service until %v: at %v %v", h.IssuedAt, h.ExpiresAt.Add(ExpiredWindow), clock.Now(), err)
			}
		}
	}
	if len(seen) != 7 || most > 3 {
		t.Errorf("%d keys have sealed, want 7; there were %d at once, want no more than 3", len(seen), most)
	}
	stop()

	// A later process that lets tokens live shorter ends none of those before.
	last := issue()
	a.TokenLife, a.KeyRotation = time.Minute, day/4
	stop = w.keeping(a, clock)
	for clock.Now().Add(day / 4).Before(last.ExpiresAt) {
		clock.pass(day / 4)
		if _, err := a.Validate(w.store.Snapshot(), last.text); err != nil {
			t.Fatalf("ended by a shorter life of others: %v", err)
		}
	}
	stop()
}

// A rotation that fails is tried again.
func TestKeyRotationFails(t *testing.T) {
	clock := &alarm{now: time.Now().UTC(), armed: make(chan struct{}, 1)}
	w := newWorldAt(t, clock)
	a := Authority{Clock: clock, Settings: Settings{KeyRotation: day}}
	before := newestKey(w.store.Snapshot())
	w.write(func(tx *statestore.Txn) error { // a credential that no key opens cannot be sealed again
		StoredCredentials.Put(tx, Credential{ID: "broken", UserID: w.user("demo").ID, Sealed: []byte("nonsense")})
		return nil
	})
	outcomes := make(chan error, 10)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.KeepKeys(ctx, w.store, func(err error) { outcomes <- err }) }()
	<-clock.armed
	clock.pass(day)
	if err := <-outcomes; !cloud.Is(err, cloud.Internal) || newestKey(w.store.Snapshot()).ID != before.ID {
		t.Errorf("ended with %v", err)
	}
	w.write(func(tx *statestore.Txn) error { StoredCredentials.Delete(tx, "broken"); return nil })
	clock.pass(rotationRetry)
	if err := <-outcomes; err != nil || newestKey(w.store.Snapshot()).ID == before.ID {
		t.Errorf("tried again: %v", err)
	}
	cancel()
	<-ended
}
