package plugin

import (
	"time"

	"github.com/cloudlet/cloudlet/hypervisor"
	"github.com/cloudlet/cloudlet/hypervisor/plugin/driverpb"
)

func guestToWire(g hypervisor.Guest) *driverpb.Guest {
	return &driverpb.Guest{
		Id: g.ID, Name: g.Name, ProjectId: g.ProjectID,
		Vcpus: int64(g.VCPUs), MemoryMib: int64(g.MemoryMiB), VirtType: g.VirtType,
		Root: &driverpb.Disk{
			Path: g.Root.Path, Base: g.Root.Base, BaseFormat: g.Root.BaseFormat, SizeBytes: g.Root.SizeBytes,
		},
		ConfigDrive: g.ConfigDrive, Nics: nicsToWire(g.NICs), ConsoleLog: g.ConsoleLog,
		Properties: g.Properties, ExtraSpecs: g.ExtraSpecs, Digest: g.Digest,
	}
}

func guestFromWire(g *driverpb.Guest) hypervisor.Guest {
	root := g.GetRoot()
	return hypervisor.Guest{
		ID: g.GetId(), Name: g.GetName(), ProjectID: g.GetProjectId(),
		VCPUs: int(g.GetVcpus()), MemoryMiB: int(g.GetMemoryMib()), VirtType: g.GetVirtType(),
		Root: hypervisor.Disk{
			Path: root.GetPath(), Base: root.GetBase(), BaseFormat: root.GetBaseFormat(), SizeBytes: root.GetSizeBytes(),
		},
		ConfigDrive: g.GetConfigDrive(), NICs: nicsFromWire(g.GetNics()), ConsoleLog: g.GetConsoleLog(),
		Properties: g.GetProperties(), ExtraSpecs: g.GetExtraSpecs(), Digest: g.GetDigest(),
	}
}

func nicsToWire(nics []hypervisor.NIC) []*driverpb.NIC {
	out := make([]*driverpb.NIC, len(nics))
	for i, n := range nics {
		out[i] = &driverpb.NIC{PortId: n.PortID, Mac: n.MAC, Tap: n.Tap, Mtu: int64(n.MTU)}
	}
	return out
}

func nicsFromWire(nics []*driverpb.NIC) []hypervisor.NIC {
	var out []hypervisor.NIC
	for _, n := range nics {
		out = append(out, hypervisor.NIC{PortID: n.GetPortId(), MAC: n.GetMac(), Tap: n.GetTap(), MTU: int(n.GetMtu())})
	}
	return out
}

func stateToWire(s hypervisor.GuestState) *driverpb.GuestState {
	w := &driverpb.GuestState{
		Id: s.ID, Power: string(s.Power), ByGuest: s.ByGuest, Digest: s.Digest,
		RebootSerial: s.RebootSerial, Nics: nicsToWire(s.NICs),
	}
	if !s.StartedAt.IsZero() {
		w.StartedAtUnixNs = s.StartedAt.UnixNano()
	}
	return w
}

func stateFromWire(w *driverpb.GuestState) hypervisor.GuestState {
	s := hypervisor.GuestState{
		ID: w.GetId(), Power: hypervisor.Power(w.GetPower()), ByGuest: w.GetByGuest(), Digest: w.GetDigest(),
		RebootSerial: w.GetRebootSerial(), NICs: nicsFromWire(w.GetNics()),
	}
	if ns := w.GetStartedAtUnixNs(); ns != 0 {
		s.StartedAt = time.Unix(0, ns).UTC()
	}
	return s
}

func eventToWire(e hypervisor.Event) *driverpb.Event {
	return &driverpb.Event{Id: e.ID, Power: string(e.Power), ByGuest: e.ByGuest}
}

func eventFromWire(w *driverpb.Event) hypervisor.Event {
	return hypervisor.Event{ID: w.GetId(), Power: hypervisor.Power(w.GetPower()), ByGuest: w.GetByGuest()}
}

func fingerprintToWire(f hypervisor.Fingerprint) *driverpb.FingerprintReply {
	return &driverpb.FingerprintReply{
		Driver: f.Driver, Version: f.Version, Arch: f.Arch, CpuModel: f.CPUModel, VirtTypes: f.VirtTypes,
		Vcpus: int64(f.VCPUs), MemoryMib: int64(f.MemoryMiB), DiskGib: int64(f.DiskGiB),
		Capabilities: f.Capabilities, HypervisorUri: f.HypervisorURI,
	}
}

func fingerprintFromWire(w *driverpb.FingerprintReply) hypervisor.Fingerprint {
	return hypervisor.Fingerprint{
		Driver: w.GetDriver(), Version: w.GetVersion(), Arch: w.GetArch(), CPUModel: w.GetCpuModel(), VirtTypes: w.GetVirtTypes(),
		VCPUs: int(w.GetVcpus()), MemoryMiB: int(w.GetMemoryMib()), DiskGiB: int(w.GetDiskGib()),
		Capabilities: w.GetCapabilities(), HypervisorURI: w.GetHypervisorUri(),
	}
}

func statsToWire(s hypervisor.Stats) *driverpb.StatsReply {
	return &driverpb.StatsReply{
		CpuTimeNs: int64(s.CPUTime), MemoryKib: s.MemoryKiB, DiskReadB: s.DiskReadB, DiskWrittenB: s.DiskWrittenB,
	}
}

func statsFromWire(w *driverpb.StatsReply) hypervisor.Stats {
	return hypervisor.Stats{
		CPUTime: time.Duration(w.GetCpuTimeNs()), MemoryKiB: w.GetMemoryKib(),
		DiskReadB: w.GetDiskReadB(), DiskWrittenB: w.GetDiskWrittenB(),
	}
}
