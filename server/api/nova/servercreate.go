package nova

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/go-json-experiment/json"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/statestore"
)

type serverCreateBody struct {
	Server      serverCreateWire        `json:"server"`
	Hints       map[string]stringOrList `json:"os:scheduler_hints"`
	LegacyHints map[string]stringOrList `json:"OS-SCH-HNT:scheduler_hints"`
}

type serverCreateWire struct {
	Name           string        `json:"name"`
	ImageRef       string        `json:"imageRef"`
	FlavorRef      flavorRef     `json:"flavorRef"`
	KeyName        *string       `json:"key_name"`
	Metadata       items         `json:"metadata"`
	Networks       *networksWire `json:"networks"`
	SecurityGroups []struct {
		Name string `json:"name"`
	} `json:"security_groups"`
	UserData     *string          `json:"user_data"`
	ConfigDrive  *boolean         `json:"config_drive"`
	Zone         *string          `json:"availability_zone"`
	MinCount     *integer         `json:"min_count"`
	MaxCount     *integer         `json:"max_count"`
	Reservation  boolean          `json:"return_reservation_id"`
	AdminPass    string           `json:"adminPass"`
	AccessIPv4   string           `json:"accessIPv4"`
	AccessIPv6   string           `json:"accessIPv6"`
	DiskConfig   string           `json:"OS-DCF:diskConfig"`
	Personality  []jsontext.Value `json:"personality"` // until 2.56
	BlockDevices []jsontext.Value `json:"block_device_mapping"`
	Devices      []deviceWire     `json:"block_device_mapping_v2"`
	Description  *string          `json:"description"`                // 2.19
	Tags         *[]string        `json:"tags"`                       // 2.52
	Certificates []string         `json:"trusted_image_certificates"` // 2.63
	Host         *string          `json:"host"`                       // 2.74
	Hypervisor   *string          `json:"hypervisor_hostname"`        // 2.74
	Hostname     *string          `json:"hostname"`                   // 2.90
}

// flavorRef is a flavor's id, or a URL that ends with it; a number will do.
type flavorRef string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (f *flavorRef) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	s := strings.Trim(string(v), `"`)
	if v.Kind() != '"' && v.Kind() != '0' {
		return fmt.Errorf("%s is not of type 'string'", v)
	}
	*f = flavorRef(s[strings.LastIndexByte(s, '/')+1:])
	return nil
}

type deviceWire struct {
	UUID        string   `json:"uuid"`
	Source      string   `json:"source_type"`
	Destination string   `json:"destination_type"`
	BootIndex   any      `json:"boot_index"`
	DeleteOn    *boolean `json:"delete_on_termination"`
	Size        any      `json:"volume_size"`
	Bus         string   `json:"disk_bus"`
	Type        string   `json:"device_type"`
	Name        string   `json:"device_name"`
	Format      *string  `json:"guest_format"`
	NoDevice    any      `json:"no_device"`
	Tag         *string  `json:"tag"`
	VolumeType  *string  `json:"volume_type"`
}

// networksWire is a list of networks, or "auto" or "none" (2.37).
type networksWire struct {
	word string
	list []networkWire
}

type networkWire struct {
	UUID    *string `json:"uuid"`
	Port    *string `json:"port"`
	FixedIP *string `json:"fixed_ip"`
	Tag     *string `json:"tag"` // 2.32 to 2.36, and from 2.42
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (n *networksWire) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		if err := json.UnmarshalDecode(d, &n.word); err != nil {
			return err
		}
		if n.word != "auto" && n.word != "none" {
			return fmt.Errorf("%q is not a list of networks, nor one of 'auto', 'none'", n.word)
		}
		return nil
	}
	return json.UnmarshalDecode(d, &n.list)
}

// serverCreate makes servers: 202 with the first one's id, or with the
// reservation's if that was asked for.
func serverCreate(rq *front.Request) (*front.Response, error) {
	var b serverCreateBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	spec, err := createSpec(rq, b)
	if err != nil {
		return nil, err
	}
	if spec.Host != "" {
		if err := rq.Require("compute:instance:create_on", rq.Target); err != nil {
			return nil, err
		}
	}
	var made []compute.Instance
	err = rq.Write(func(tx *statestore.Txn) (err error) {
		made, err = compute.InstanceCreate(tx, rq.Caller, spec)
		return err
	})
	if err != nil {
		return nil, err
	}
	if b.Server.Reservation {
		return front.Accepted(map[string]string{"reservation_id": made[0].ReservationID}), nil
	}
	i := made[0]
	out := struct {
		ID             string              `json:"id"`
		Links          []link              `json:"links"`
		DiskConfig     string              `json:"OS-DCF:diskConfig"`
		SecurityGroups []map[string]string `json:"security_groups"`
		AdminPass      string              `json:"adminPass"`
	}{i.ID, selfLinks(rq, "/servers/"+i.ID), i.DiskConfig, []map[string]string{}, cmp.Or(b.Server.AdminPass, rand.Text()[:12])}
	for _, g := range i.SecurityGroups {
		out.SecurityGroups = append(out.SecurityGroups, map[string]string{"name": g})
	}
	if len(out.SecurityGroups) == 0 {
		out.SecurityGroups = []map[string]string{{"name": "default"}}
	}
	return front.Accepted(map[string]any{"server": out}).With("Location", rq.URL("/v2.1/servers/"+i.ID)), nil
}

// createSpec turns the request into the domain's terms, and refuses what the
// microversion or this cloud does not know.
func createSpec(rq *front.Request, b serverCreateBody) (compute.InstanceSpec, error) {
	w := b.Server
	s := compute.InstanceSpec{
		Name: w.Name, Hostname: deref(w.Hostname), Description: deref(w.Description), FlavorID: string(w.FlavorRef), ImageID: lastPart(w.ImageRef),
		KeyName: deref(w.KeyName), UserData: deref(w.UserData), Tags: deref(w.Tags), ConfigDrive: bool(deref(w.ConfigDrive)),
		AccessIPv4: w.AccessIPv4, AccessIPv6: w.AccessIPv6, DiskConfig: w.DiskConfig, Host: cmp.Or(deref(w.Host), deref(w.Hypervisor)),
		Min: int(deref(w.MinCount)), Max: int(deref(w.MaxCount)),
	}
	for _, f := range []struct {
		name  string
		given bool
		from  int
	}{
		{"description", w.Description != nil, 19}, {"tags", w.Tags != nil, 52}, {"trusted_image_certificates", w.Certificates != nil, 63},
		{"host", w.Host != nil, 74}, {"hypervisor_hostname", w.Hypervisor != nil, 74}, {"hostname", w.Hostname != nil, 90},
	} {
		if f.given && !rq.Version.AtLeast(f.from) {
			return s, unexpected("/server", f.name)
		}
	}
	s.Zone, s.Host = splitZone(deref(w.Zone), s.Host)
	var err error
	if s.Metadata, err = w.Metadata.at("/server/metadata"); err != nil {
		return s, err
	}
	if (w.MinCount != nil && *w.MinCount < 1) || (w.MaxCount != nil && *w.MaxCount < 1) {
		return s, cloud.Errorf(cloud.Invalid, "instance", "Invalid input for field/attribute min_count or max_count: it must be at least 1.").At("/server/min_count")
	}
	if err := devicesServed(w); err != nil {
		return s, err
	}
	s.Hints = hintsSpec(b)
	for n, g := range w.SecurityGroups {
		if g.Name == "" {
			return s, cloud.Errorf(cloud.Invalid, "instance", "Invalid input for field security_groups/%d/name: it must not be empty.", n).At(fmt.Sprintf("/server/security_groups/%d/name", n))
		}
		s.SecurityGroups = append(s.SecurityGroups, g.Name)
	}
	return s, networksSpec(rq, w.Networks, &s)
}

// hintsSpec returns the scheduler hints under either of their names.
func hintsSpec(b serverCreateBody) map[string][]string {
	given := b.Hints
	if given == nil {
		given = b.LegacyHints
	}
	if len(given) == 0 {
		return nil
	}
	hints := make(map[string][]string, len(given))
	for k, v := range given {
		hints[k] = v
	}
	return hints
}

func unexpected(at, name string) error {
	return cloud.Errorf(cloud.Invalid, "", "Invalid input for field %s: Additional properties are not allowed ('%s' was unexpected).", at, name).At(at + "/" + name)
}

func lastPart(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// splitZone takes "zone:host[:node]" apart: an admin's way to name a host.
func splitZone(zone, host string) (string, string) {
	z, h, forced := strings.Cut(zone, ":")
	if !forced {
		return zone, host
	}
	h, node, _ := strings.Cut(h, ":")
	return z, cmp.Or(h, node, host)
}

// networksSpec fills in the networks; from 2.37 they must be given.
func networksSpec(rq *front.Request, w *networksWire, s *compute.InstanceSpec) error {
	if w == nil {
		if rq.Version.AtLeast(37) {
			return cloud.Errorf(cloud.Invalid, "instance", "Invalid input for field server: 'networks' is a required property; give a list, 'auto' or 'none'.").At("/server/networks")
		}
		return nil
	}
	if w.word != "" {
		if !rq.Version.AtLeast(37) {
			return cloud.Errorf(cloud.Invalid, "instance", "Invalid input for field networks: '%s' is not of type 'array'.", w.word).At("/server/networks")
		}
		s.AutoNetwork, s.NoNetwork = w.word == "auto", w.word == "none"
		return nil
	}
	for _, n := range w.list {
		s.Networks = append(s.Networks, compute.NICSpec{PortID: deref(n.Port), NetworkID: deref(n.UUID), FixedIP: deref(n.FixedIP), Tag: deref(n.Tag)})
	}
	return nil
}

// devicesServed refuses volumes and injected files, which this cloud does not
// have. A device mapping that only says "boot from the image" is what happens anyway.
func devicesServed(w serverCreateWire) error {
	for n, d := range w.Devices {
		if d.Source == "image" && d.Destination == "local" && cmp.Or(d.UUID, w.ImageRef) == w.ImageRef {
			continue
		}
		return cloud.Errorf(cloud.Invalid, "instance", "Block Device Mapping is Invalid: this cloud offers no volumes; only a mapping of the image to a local disk is understood.").At(fmt.Sprintf("/server/block_device_mapping_v2/%d", n))
	}
	if len(w.BlockDevices) > 0 {
		return cloud.Errorf(cloud.Invalid, "instance", "Block Device Mapping is Invalid: this cloud offers no volumes.").At("/server/block_device_mapping")
	}
	if len(w.Personality) > 0 {
		return cloud.Errorf(cloud.Invalid, "instance", "File injection is not offered; use user_data.").At("/server/personality")
	}
	if len(w.Certificates) > 0 {
		return cloud.Errorf(cloud.Invalid, "instance", "Trusted image certificates are not offered by this cloud.").At("/server/trusted_image_certificates")
	}
	return nil
}
