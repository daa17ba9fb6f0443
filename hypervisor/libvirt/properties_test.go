//go:build cgo

package libvirt_test

import (
	"errors"
	"testing"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/testbed"
)

// Guests of other shapes boot, too, and cards come and go in them.
func TestImageProperties(t *testing.T) {
	t.Parallel()
	h := newHost(t, testbed.Start(t, testbed.Options{Hosts: 1}).Hosts[0], testbed.Image(t))
	for _, p := range []map[string]string{
		{"hw_machine_type": "q35", "hw_disk_bus": "scsi"},
		{"hw_disk_bus": "ide", "hw_vif_model": "e1000"},
	} {
		g := h.guest(t)
		g.NICs = []hypervisor.NIC{h.nic(t)}
		g.Properties = p
		if err := errors.Join(h.driver.Ensure(t.Context(), g), h.driver.Start(t.Context(), g.ID)); err != nil {
			t.Errorf("%v: %v", p, err)
			continue
		}
		h.says(t, g.ID, "TINY init", 1)
		first := g.NICs[0]
		for _, nics := range [][]hypervisor.NIC{{first, h.nic(t)}, nil, {first}} {
			g.NICs, g.Digest = nics, g.Digest+"+"
			if err := h.driver.Ensure(t.Context(), g); err != nil {
				t.Errorf("%v, %d NICs: %v", p, len(nics), err)
			}
		}
		if err := h.driver.Destroy(t.Context(), g.ID); err != nil {
			t.Error(err)
		}
	}
	g := h.guest(t)
	g.Properties = map[string]string{"hw_firmware_type": "uefi"}
	switch err := h.driver.Ensure(t.Context(), g); {
	case errors.Is(err, hypervisor.ErrUnsupported):
		t.Logf("UEFI is not tried: %v", err)
	case err != nil:
		t.Errorf("UEFI: %v", err)
	default:
		if err := h.driver.Start(t.Context(), g.ID); err != nil {
			t.Errorf("UEFI: %v", err)
		}
	}
}
