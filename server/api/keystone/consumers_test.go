package keystone

import (
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

func TestConsumers(t *testing.T) {
	w := newWorld(t)
	admin, demo := w.login("admin", "admin"), w.login("demo", "demo")
	a := w.call(admin, "POST /OS-OAUTH1/consumers", `{"consumer":{"description":"shop"}}`).must(201)
	id, secret := a.at("consumer/id"), a.at("consumer/secret")
	if len(secret) < 32 || a.at("consumer/description") != "shop" {
		t.Errorf("made %s", a.text)
	}
	w.call(demo, "GET /OS-OAUTH1/consumers/"+id, "").must(403)
	if got := w.call(admin, "PATCH /OS-OAUTH1/consumers/"+id, `{"consumer":{"description":null}}`).must(200); got.at("consumer/description") != "<nil>" || got.at("consumer/secret") != "<nil>" {
		t.Errorf("changed to %s", got.text)
	}
	w.call(admin, "PATCH /OS-OAUTH1/consumers/"+id, `{"consumer":{"secret":"mine"}}`).must(400)
	for range 2 { // the second time, the key of the first is gone
		w.clock.pass(time.Second)
		w.write(func(tx *statestore.Txn) error { return identity.KeyRotate(tx, identity.NewKey(), 0) })
	}
	c, _ := identity.ConsumerGet(w.store.Snapshot(), id)
	if got := c.Secret(w.store.Snapshot()); got != secret {
		t.Errorf("after new keys the secret is %q, not %q", got, secret)
	}
	admin = w.login("admin", "admin")
	if got := w.call(admin, "GET /OS-OAUTH1/consumers", "").must(200).names("consumers", "id"); len(got) != 1 || got[0] != id {
		t.Errorf("listed %v", got)
	}
	if got := w.call(admin, "GET /OS-OAUTH1/consumers?name=another", "").must(200).names("consumers", "id"); len(got) != 0 {
		t.Errorf("what has no name is found by one: %v", got)
	}
	w.call(admin, "DELETE /OS-OAUTH1/consumers/"+id, "").must(204)
	w.call(admin, "GET /OS-OAUTH1/consumers/"+id, "").must(404)
}
