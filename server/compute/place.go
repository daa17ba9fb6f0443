package compute

import (
	"fmt"
	"iter"
	"slices"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/scheduler"
	"github.com/cloudlet/cloudlet/statestore"
)

// candidates yields the hosts as the scheduler sees them, one scratch value
// filled anew for each.
func candidates(r statestore.Reader) iter.Seq[*scheduler.Host] {
	return func(yield func(*scheduler.Host) bool) {
		var s scheduler.Host
		for h := range Hosts.All(r) {
			f := &h.Fingerprint
			s = scheduler.Host{ID: h.ID, Name: h.Name, Zone: h.Zone, Up: h.Alive(), Enabled: !h.Disabled,
				Total: scheduler.Resources{VCPUs: f.VCPUs, MemoryMiB: f.MemoryMiB, DiskGiB: f.DiskGiB}, Used: h.Used, Instances: h.Instances,
				Arch: f.Arch, VirtTypes: f.VirtTypes, Driver: f.DriverName, Capabilities: f.Capabilities}
			if !yield(&s) {
				return
			}
		}
	}
}

// place sets the instance's host and zone and claims it. Error kind: NoCapacity,
// with the counts of the filters. In a plan session, where what is there may yet
// go, it refuses only what could not fit even then; else it warns and leaves the
// instance without a host.
func place(tx *statestore.Txn, i *Instance, hostName string) error {
	req := requestOf(tx, *i, hostName)
	h, refusal := scheduler.Choose(candidates(tx), req)
	if refusal == nil {
		i.HostID, i.Zone = h.ID, h.Zone
		claim(tx, *i)
		return nil
	}
	full := &cloud.Error{Kind: cloud.NoCapacity, Op: "InstancePlace", Resource: "instance", Field: "/server/flavorRef", Msg: refusal.Error()}
	if tx.Base() == nil {
		return full
	}
	if !possible(tx, *i, req) {
		return full
	}
	i.HostID, i.Zone = "", i.RequestedZone
	claim(tx, *i)
	tx.Warn(fmt.Sprintf("Instance %s fits on no host as things are: it only succeeds if room is made first. %s", i.Name, refusal))
	return nil
}

// possible reports whether all that a plan session made, and i, could fit if
// nothing else were on the hosts.
func possible(tx *statestore.Txn, i Instance, req scheduler.Request) bool {
	// What has to be near or apart from instances that the plan may move says nothing.
	req.SameHost, req.DifferentHost = nil, nil
	eligible := scheduler.Eligible(candidates(tx), req)
	if len(eligible) == 0 {
		return false
	}
	all, alike := []scheduler.Resources{i.Claim()}, []scheduler.Resources{i.Claim()}
	for _, o := range sessionInstances(tx) {
		all = append(all, o.Claim())
		// Those that have no more hosts to go to than i has.
		if o.RequestedZone == i.RequestedZone && o.Flavor.ID == i.Flavor.ID && o.Image.ID == i.Image.ID {
			alike = append(alike, o.Claim())
		}
	}
	up := scheduler.Eligible(candidates(tx), scheduler.Request{})
	return scheduler.Possible(up, scheduler.Ratios{}, all) && scheduler.Possible(eligible, scheduler.Ratios{}, alike)
}

// requestOf turns what an instance needs into the scheduler's terms. An instance that
// a hint names and that is not the project's matches no host.
func requestOf(tx *statestore.Txn, i Instance, hostName string) scheduler.Request {
	req := scheduler.Request{Claim: i.Claim(), Zone: i.RequestedZone, Host: hostName, ExtraSpecs: i.Flavor.ExtraSpecs, ImageProperties: i.Image.Properties}
	for _, id := range i.Hints["same_host"] {
		if standsIn(id) {
			continue
		}
		set := map[string]bool{}
		if o, ok := Instances.Get(tx, id); ok && o.ProjectID == i.ProjectID {
			set[o.HostID] = true
		}
		req.SameHost = append(req.SameHost, set)
	}
	for _, id := range i.Hints["different_host"] {
		if o, ok := Instances.Get(tx, id); ok && o.ProjectID == i.ProjectID && o.HostID != "" {
			if req.DifferentHost == nil {
				req.DifferentHost = map[string]bool{}
			}
			req.DifferentHost[o.HostID] = true
		}
	}
	if i.GroupID != "" {
		groupRequest(tx, i.GroupID, &req)
	}
	return req
}

// groupRequest adds what the server group demands.
func groupRequest(tx *statestore.Txn, id string, req *scheduler.Request) {
	g, _ := Groups.Get(tx, id)
	hosts := groupHosts(tx, id)
	set := map[string]bool{}
	for h, n := range hosts {
		if g.Policy != "anti-affinity" || n >= max(g.MaxPerHost, 1) {
			set[h] = true
		}
	}
	switch g.Policy {
	case "affinity":
		if len(set) > 0 {
			req.SameHost = append(req.SameHost, set)
		}
	case "anti-affinity":
		if req.DifferentHost == nil {
			req.DifferentHost = set
			return
		}
		for h := range set {
			req.DifferentHost[h] = true
		}
	case "soft-affinity":
		req.Prefer = set
	case "soft-anti-affinity":
		req.Avoid = set
	}
}

// checkZone refuses a zone or host that does not exist. Error kind: Invalid.
func checkZone(r statestore.Reader, op string, s InstanceSpec) error {
	if s.Zone != "" && !slices.Contains(Zones(r), s.Zone) {
		return invalid(op, "instance", "/server/availability_zone", "The requested availability zone is not available: there is no zone %s; the zones are %v.", s.Zone, Zones(r))
	}
	if s.Host != "" {
		if _, ok := Hosts.First(r, "name", s.Host); !ok {
			return invalid(op, "instance", "/server/host", "Compute host %s could not be found.", s.Host)
		}
	}
	return nil
}

// standsIn reports whether an id names, in a plan session, what the plan will make.
func standsIn(id string) bool { return id == cloud.UnknownID }
