package vswitchtest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/cloudlet/cloudlet/hypervisor/vswitch"
)

func state(id string, ports ...vswitch.PortState) vswitch.NetworkState {
	return vswitch.NetworkState{ID: id, Present: true, Ports: ports}
}

func lifecycle(f *fixture) {
	f.list()
	f.must(f.h.EnsureNetwork(f.ctx, network("b", 7)))
	f.must(f.h.EnsureNetwork(f.ctx, network("a", 8)))
	f.list(state("a"), state("b"))
	f.start(f.h, "a", 1)
	tap, err := f.h.PreparePort(f.ctx, port("a", 2))
	f.must(err)
	again, err := f.h.PreparePort(f.ctx, port("a", 2))
	f.must(err)
	if tap != again {
		f.Errorf("prepared twice, the tap is %s and %s", tap, again)
	}
	f.filters("a", filter("a", 1))
	f.list(state("a", vswitch.PortState{ID: "a-port-1", Active: true, Filtered: true}, vswitch.PortState{ID: "a-port-2"}), state("b"))
	f.filters("a", filter("a", 2))
	f.list(state("a", vswitch.PortState{ID: "a-port-1", Active: true}, vswitch.PortState{ID: "a-port-2", Filtered: true}), state("b"))
	f.must(f.h.RemovePort(f.ctx, "b", "a-port-1")) // another network's: nothing happens
	f.must(f.h.RemovePort(f.ctx, "a", "a-port-2"))
	f.list(state("a", vswitch.PortState{ID: "a-port-1", Active: true}), state("b"))
	f.must(f.h.RemovePort(f.ctx, "a", "a-port-1"))
	f.list(state("a"), state("b"))
	f.start(f.h, "a", 1)
	_, err = f.h.PreparePort(f.ctx, port("a", 2))
	f.must(err)
	f.must(f.h.RemoveNetwork(f.ctx, "a"))
	f.list(state("b"))
	for range 2 { // nothing is no error
		f.must(f.h.RemoveNetwork(f.ctx, "b"))
		f.must(f.h.RemovePort(f.ctx, "b", "b-port-1"))
	}
	f.list()
}

func takeBack(f *fixture) {
	f.must(f.h.EnsureNetwork(f.ctx, network("a", 7)))
	f.start(f.h, "a", 1, 2)
	f.filters("a", filter("a", 1, anyOut()...), filter("a", 2, tcpIn(80)))
	f.passes("before", "a", 1, 2, tcp(1, 2, 80), Begins)
	_, err := f.h.PreparePort(f.ctx, port("a", 2))
	f.must(err)
	f.list(state("a", vswitch.PortState{ID: "a-port-1", Active: true, Filtered: true}, vswitch.PortState{ID: "a-port-2", Filtered: true}))
	f.start(f.h, "a", 2)
	f.passes("started again, with the filters of before", "a", 1, 2, tcp(1, 2, 80), Begins)
}

func loosePorts(f *fixture) {
	for _, id := range []string{"a", "b"} {
		_, err := f.h.PreparePort(f.ctx, port(id, 1))
		f.must(err)
	}
	loose := func(id string) vswitch.NetworkState {
		return vswitch.NetworkState{ID: id, Ports: []vswitch.PortState{{ID: id + "-port-1"}}}
	}
	f.list(loose("a"), loose("b"))
	f.must(f.h.RemoveNetwork(f.ctx, "a"))
	f.list(loose("b"))
	f.must(f.h.RemovePort(f.ctx, "b", "b-port-1"))
	f.list()
}

func refusals(f *fixture) {
	is := func(what string, err, want error) {
		f.Helper()
		if !errors.Is(err, want) {
			f.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	is("no id", f.h.EnsureNetwork(f.ctx, vswitch.Network{}), vswitch.ErrInvalid)
	is("a path for an id", f.h.EnsureNetwork(f.ctx, vswitch.Network{ID: "../x"}), vswitch.ErrInvalid)
	_, err := f.h.PreparePort(f.ctx, vswitch.Port{ID: "p", NetworkID: "a", MAC: "01:00:5e:00:00:01"})
	is("a multicast MAC", err, vswitch.ErrInvalid)
	is("activate without network", f.h.ActivatePort(f.ctx, port("a", 1)), vswitch.ErrNotFound)
	is("filters without network", f.h.EnsureFilters(f.ctx, "a", nil), vswitch.ErrNotFound)
	_, err = f.h.ListenDHCP(f.ctx, "a")
	is("DHCP without network", err, vswitch.ErrNotFound)
	_, err = f.h.ListenMetadata(f.ctx, "a")
	is("metadata without network", err, vswitch.ErrNotFound)
	f.must(f.h.EnsureNetwork(f.ctx, network("a", 7)))
	is("activate without tap", f.h.ActivatePort(f.ctx, port("a", 1)), vswitch.ErrNotFound)
	is("another VNI", f.h.EnsureNetwork(f.ctx, network("a", 8)), vswitch.ErrConflict)
	is("a physical network", f.h.EnsureNetwork(f.ctx, vswitch.Network{ID: "p", Physnet: "nowhere"}), unsupportedOrNil(f))
	is("another network's port", f.h.EnsureFilters(f.ctx, "a", []vswitch.PortFilter{filter("b", 1)}), vswitch.ErrInvalid)
	bad := filter("a", 1, vswitch.Rule{})
	is("a rule without direction", f.h.EnsureFilters(f.ctx, "a", []vswitch.PortFilter{bad}), vswitch.ErrInvalid)
	is("a port twice", f.h.EnsureFilters(f.ctx, "a", []vswitch.PortFilter{filter("a", 1), filter("a", 1)}), vswitch.ErrInvalid)
	gone, cancel := context.WithCancel(f.ctx)
	cancel()
	is("after the context", f.h.RemoveNetwork(gone, "a"), context.Canceled)
	_, err = f.h.List(gone)
	is("list after the context", err, context.Canceled)
	f.must(f.h.RemoveNetwork(f.ctx, "p"))
	f.list(state("a"))
}

// unsupportedOrNil: a host without hardware has every physical network.
func unsupportedOrNil(f *fixture) error {
	if !f.h.Peer().IsValid() {
		return nil
	}
	return vswitch.ErrUnsupported
}

func restart(f *fixture) {
	f.must(f.h.EnsureNetwork(f.ctx, network("a", 7)))
	f.start(f.h, "a", 1, 2)
	_, err := f.h.PreparePort(f.ctx, port("b", 3))
	f.must(err)
	f.filters("a", filter("a", 1, anyOut()...), filter("a", 2, tcpIn(80)))
	want, err := f.h.List(f.ctx)
	f.must(err)
	f.passes("before", "a", 1, 2, tcp(1, 2, 80), Begins)
	if !f.h.Restart(f.T) {
		return
	}
	got, err := f.h.List(f.ctx)
	f.must(err)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		f.Errorf("after a restart %v is there, before %v", got, want)
	}
	f.passes("the answer to what began before", "a", 2, 1, answered(tcp(1, 2, 80)), Answers)
	f.must(f.h.EnsureNetwork(f.ctx, network("a", 7)))
	f.filters("a", filter("a", 1, anyOut()...), filter("a", 2))
	f.drops("after filters of the new one", "a", 1, 2, tcp(1, 2, 80), Continues)
	f.must(f.h.RemoveNetwork(f.ctx, "a"))
	f.must(f.h.RemoveNetwork(f.ctx, "b"))
	f.list()
}

// idempotence: calls with the same arguments disturb nothing.
func idempotence(f *fixture) {
	calls := func() {
		f.must(f.h.EnsureNetwork(f.ctx, network("a", 7)))
		f.must(f.h.ActivatePort(f.ctx, port("a", 1)))
		f.must(f.h.ActivatePort(f.ctx, port("a", 2)))
		f.filters("a", filter("a", 1, anyOut()...), filter("a", 2, tcpIn(80)))
	}
	f.must(f.h.EnsureNetwork(f.ctx, network("a", 7)))
	f.start(f.h, "a", 1, 2)
	calls()
	f.passes("begins", "a", 1, 2, tcp(1, 2, 80), Begins)
	calls()
	f.passes("answers", "a", 2, 1, answered(tcp(1, 2, 80)), Answers)
	calls()
	f.passes("continues", "a", 1, 2, tcp(1, 2, 80), Continues)
	wider := network("a", 7)
	wider.Subnets = append(wider.Subnets, vswitch.Subnet{ID: "more", CIDR: netip.MustParsePrefix("10.1.0.0/24"), Gateway: addr("10.1.0.1"), ServeGateway: true})
	wider.MTU = 1400
	f.must(f.h.EnsureNetwork(f.ctx, wider))
	f.passes("after a change of subnets and MTU", "a", 2, 1, answered(tcp(1, 2, 80)), AnswersOn)
	f.must(f.h.EnsureNetwork(f.ctx, network("a", 7)))
	f.passes("and back", "a", 1, 2, tcp(1, 2, 80), Continues)
}

// manyNetworks: calls for several networks at once, from several goroutines.
func manyNetworks(f *fixture) {
	const n = 6
	var all sync.WaitGroup
	errs := make(chan error, n*8)
	for i := range n {
		all.Go(func() {
			id := fmt.Sprintf("net-%d", i)
			for range 2 {
				errs <- f.h.EnsureNetwork(f.ctx, network(id, 100+i))
				_, err := f.h.PreparePort(f.ctx, port(id, 1))
				errs <- err
				errs <- f.h.EnsureFilters(f.ctx, id, []vswitch.PortFilter{filter(id, 1, tcpIn(80, netip.MustParsePrefix("10.0.0.7/32"), netip.MustParsePrefix("10.0.0.9/32")))})
				_, err = f.h.List(f.ctx)
				errs <- err
			}
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		f.must(err)
	}
	var want []vswitch.NetworkState
	for i := range n {
		id := fmt.Sprintf("net-%d", i)
		want = append(want, state(id, vswitch.PortState{ID: id + "-port-1", Filtered: true}))
	}
	f.list(want...)
	for i := range n {
		f.must(f.h.RemoveNetwork(f.ctx, fmt.Sprintf("net-%d", i)))
	}
	f.list()
}
