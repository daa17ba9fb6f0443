package neutron_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

func TestPortIsWaitedFor(t *testing.T) {
	c := start(t)
	id := c.make(ann, "ports", `"network_id":"`+c.network(ann, "")+`"`).text("id")
	path := "/v2.0/ports/" + id
	tag := c.call("GET", path, ann, "").header.Get("ETag")
	if a := c.call("GET", path, ann, "", "If-None-Match", tag); a.status != http.StatusNotModified {
		t.Fatalf("an unchanged port: %d %s", a.status, a.body)
	}
	done := make(chan answer, 1)
	go func() { done <- c.call("GET", path, ann, "", "If-None-Match", tag, "Prefer", "wait=60") }()
	c.write(func(tx *statestore.Txn) error { network.PortObserve(tx, id, true, ""); return nil })
	if a := <-done; a.status != http.StatusOK || !strings.Contains(a.body, `"status":"ACTIVE"`) {
		t.Errorf("after the host has it: %d %s", a.status, a.body)
	}
}
