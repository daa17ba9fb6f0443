package nova

import (
	"slices"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

type interfaceWire struct {
	PortState string    `json:"port_state"`
	PortID    string    `json:"port_id"`
	NetID     string    `json:"net_id"`
	MAC       string    `json:"mac_addr"`
	FixedIPs  []fixedIP `json:"fixed_ips"`
	Tag       any       `json:"tag,omitzero"` // 2.70
}

type fixedIP struct {
	SubnetID string `json:"subnet_id"`
	Address  string `json:"ip_address"`
}

func renderInterface(rq *front.Request, i compute.Instance, p network.Port) interfaceWire {
	w := interfaceWire{PortState: string(p.Status), PortID: p.ID, NetID: p.NetworkID, MAC: p.MAC, FixedIPs: []fixedIP{}}
	for _, f := range p.FixedIPs {
		w.FixedIPs = append(w.FixedIPs, fixedIP{f.SubnetID, f.Address.String()})
	}
	if rq.Version.AtLeast(70) {
		w.Tag = null
		if n := slices.IndexFunc(i.NICs, func(n compute.NIC) bool { return n.PortID == p.ID }); n >= 0 {
			w.Tag = orNull(i.NICs[n].Tag)
		}
	}
	return w
}

func interfaceList(rq *front.Request) (*front.Response, error) {
	i, err := server(rq)
	if err != nil {
		return nil, err
	}
	out := []interfaceWire{}
	for _, p := range compute.PortsOf(rq.Read(), i) {
		out = append(out, renderInterface(rq, i, p))
	}
	return front.OK(map[string]any{"interfaceAttachments": out}), nil
}

func interfaceShow(rq *front.Request) (*front.Response, error) {
	i, err := server(rq)
	if err != nil {
		return nil, err
	}
	for _, p := range compute.PortsOf(rq.Read(), i) {
		if p.ID == rq.PathValue("port") {
			return front.OK(map[string]any{"interfaceAttachment": renderInterface(rq, i, p)}), nil
		}
	}
	return nil, cloud.Errorf(cloud.NotFound, "instance", "Instance %s does not have a port with id %s", i.ID, rq.PathValue("port"))
}

type attachmentWire struct {
	PortID   string `json:"port_id"`
	NetID    string `json:"net_id"`
	FixedIPs []struct {
		Address string `json:"ip_address"`
	} `json:"fixed_ips"`
	Tag string `json:"tag"` // 2.49
}

func interfaceCreate(rq *front.Request) (*front.Response, error) {
	var w attachmentWire
	b := struct {
		Attachment *attachmentWire `json:"interfaceAttachment"` // Nova's schema does not require it
	}{&w}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	s := compute.NICSpec{PortID: w.PortID, NetworkID: w.NetID, Tag: w.Tag}
	switch {
	case w.PortID != "" && w.NetID != "":
		return nil, cloud.Errorf(cloud.Invalid, "instance", "Must not input both network_id and port_id").At("/interfaceAttachment/net_id")
	case len(w.FixedIPs) > 0 && w.NetID == "":
		return nil, cloud.Errorf(cloud.Invalid, "instance", "Must input network_id when request IP address").At("/interfaceAttachment/fixed_ips")
	case len(w.FixedIPs) > 1:
		return nil, cloud.Errorf(cloud.Invalid, "instance", "Invalid input for field/attribute fixed_ips: at most one address can be asked for.").At("/interfaceAttachment/fixed_ips")
	case len(w.FixedIPs) == 1:
		s.FixedIP = w.FixedIPs[0].Address
	}
	var p network.Port
	err := rq.Write(func(tx *statestore.Txn) (err error) {
		p, err = compute.InstanceAttach(tx, rq.Caller, rq.PathValue("id"), s)
		return err
	})
	if err != nil {
		return nil, err
	}
	i, err := server(rq)
	return front.OK(map[string]any{"interfaceAttachment": renderInterface(rq, i, p)}), err
}

func interfaceDelete(rq *front.Request) (*front.Response, error) {
	return accepted(rq, func(tx *statestore.Txn, c cloud.Caller, id string) error {
		return compute.InstanceDetach(tx, c, id, rq.PathValue("port"))
	})
}

// serverVolumes answers truly: there are no volumes.
func serverVolumes(*front.Request) (*front.Response, error) {
	return front.OK(map[string]any{"volumeAttachments": []struct{}{}}), nil
}
