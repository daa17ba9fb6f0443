package fake_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch/fake"
	"github.com/cloudlet/cloudlet/hypervisor/vswitch/vswitchtest"
)

func TestContract(t *testing.T) {
	vswitchtest.Run(t, func(*testing.T) vswitchtest.World { return world{&host{fake.New(), map[string][]netip.Addr{}}} })
}

// world is one host: networks in memory do not reach another.
type world struct{ h *host }

func (w world) Hosts() []vswitchtest.Host { return []vswitchtest.Host{w.h} }

func (w world) Send(_ *testing.T, from, to vswitchtest.End, p vswitchtest.Packet) bool {
	return from.Port.NetworkID == to.Port.NetworkID && w.h.Send(from.Port.NetworkID, from.Port.ID, to.Port.ID,
		fake.Packet{SrcMAC: p.SrcMAC, Flow: p.Flow, Continues: p.Step != vswitchtest.Begins})
}

// host knows whose address is whose: DialMetadata of the switch goes by address
// alone.
type host struct {
	*fake.Switch
	fixed map[string][]netip.Addr
}

func (h *host) EnsureFilters(ctx context.Context, networkID string, filters []vswitch.PortFilter) error {
	for _, f := range filters {
		h.fixed[f.ID] = f.FixedIPs
	}
	return h.Switch.EnsureFilters(ctx, networkID, filters)
}

func (h *host) Restart(*testing.T) bool                { return false }
func (h *host) Peer() netip.Addr                       { return netip.Addr{} }
func (h *host) Start(*testing.T, vswitch.Port, string) {}

func (h *host) ExchangeDHCP(t *testing.T, p vswitch.Port, from netip.Addr, payload []byte) ([]byte, bool) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	b, err := h.Switch.ExchangeDHCP(ctx, p.NetworkID, p.ID, netip.AddrPortFrom(from, 68), payload)
	return b, err == nil
}

func (h *host) DialMetadata(t *testing.T, p vswitch.Port, from netip.Addr) (net.Conn, error) {
	if !slices.Contains(h.fixed[p.ID], from) {
		return nil, errors.New("a simulated guest has its own addresses only")
	}
	return h.Switch.DialMetadata(t.Context(), p.NetworkID, from)
}
