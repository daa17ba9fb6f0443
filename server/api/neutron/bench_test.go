package neutron_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

// BenchmarkPortList lists 100 ports.
func BenchmarkPortList(b *testing.B) {
	c := start(b)
	n := c.network(ann, "")
	c.subnet(ann, n)
	c.write(func(tx *statestore.Txn) error {
		for range 100 {
			if _, err := network.PortCreate(tx, cloud.Caller{ProjectID: "p1"}, network.PortSpec{NetworkID: n}); err != nil {
				return err
			}
		}
		return nil
	})
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, "/networking/v2.0/ports", nil)
		r.Header.Set("X-Auth-Token", ann)
		w := httptest.NewRecorder()
		c.handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
	}
}
