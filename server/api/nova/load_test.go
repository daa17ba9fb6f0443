package nova

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/statestore"
)

// Of many that ask at once for the last of the quota, as many win as it has.
func TestCreatesAtOnce(t *testing.T) {
	w := newWorld(t)
	var won, lost atomic.Int32
	var clients sync.WaitGroup
	for n := range 8 {
		clients.Go(func() {
			for range 5 {
				switch a := w.post("ann", "/servers", fmt.Sprintf(`{"server":{"name":"c%d","imageRef":"img","flavorRef":"1"}}`, n)); a.status {
				case http.StatusAccepted:
					won.Add(1)
				case http.StatusForbidden:
					lost.Add(1)
				default:
					t.Errorf("%d %s", a.status, a.raw)
				}
			}
		})
	}
	clients.Wait()
	if won.Load() != 10 || lost.Load() != 30 {
		t.Errorf("%d won and %d lost; the quota is 10", won.Load(), lost.Load())
	}
	if u := compute.UsageOf(w.store.Snapshot(), "p1"); u.Instances != 10 {
		t.Errorf("usage %+v", u)
	}
}

func unlimited(tx *statestore.Txn) error {
	return compute.QuotaSet(tx, "p1", map[string]int{compute.QuotaInstances: -1, compute.QuotaCores: -1, compute.QuotaRAM: -1}, true)
}

func bigHost(tx *statestore.Txn) error {
	_, err := compute.HostRegister(tx, compute.HostSpec{ID: "big", Name: "big",
		Fingerprint: compute.Fingerprint{Arch: "x86_64", VirtTypes: []string{"qemu"}, DriverName: "sim", VCPUs: 1 << 20, MemoryMiB: 1 << 30, DiskGiB: 1 << 20}})
	return err
}

func BenchmarkServersDetail100(b *testing.B) {
	w := newWorld(b)
	w.write(unlimited)
	w.write(bigHost)
	for n := range 100 {
		w.running("ann", fmt.Sprint("s", n), "")
	}
	req, err := http.NewRequestWithContext(b.Context(), "GET", w.url+"/compute/v2.1/servers/detail", nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", "ann")
	req.Header.Set("OpenStack-API-Version", "compute 2.79")
	for b.Loop() {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		if err != nil || resp.StatusCode != 200 || n < 100_000 {
			b.Fatal(resp.Status, n, err)
		}
		_ = resp.Body.Close()
	}
}

func BenchmarkServerShow(b *testing.B) {
	w := newWorld(b)
	id := w.running("ann", "x", "")
	for b.Loop() {
		w.get("ann@2.79", "/servers/"+id)
	}
}

func BenchmarkServerCreate(b *testing.B) {
	w := newWorld(b)
	w.write(unlimited)
	w.write(bigHost)
	for b.Loop() {
		w.server("ann@2.37", "x", `"networks":"none"`)
	}
}
