package compute

import (
	"cmp"
	"fmt"
	"maps"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

// InstanceCreate makes between s.Min and s.Max instances of the caller's
// project: all checks, the claims on hosts and quota, the ports and the rows, or
// nothing. Fields of its errors point into Nova's request.
//
// Error kinds: Invalid (also for flavors, images, keys and networks that do not
// exist), Quota, NoCapacity, Conflict (a port in use, an address taken, several
// networks to choose from), Forbidden without a project.
func InstanceCreate(tx *statestore.Txn, c cloud.Caller, s InstanceSpec) ([]Instance, error) {
	const op = "InstanceCreate"
	if c.ProjectID == "" {
		return nil, &cloud.Error{Kind: cloud.Forbidden, Op: op, Resource: "instance", Msg: "An instance belongs to a project: use a token that is scoped to one."}
	}
	if err := s.check(op); err != nil {
		return nil, err
	}
	chosen := c.ChosenID // the first one's; not that of a port made for it
	c.ChosenID = ""
	if chosen != "" && idTaken(tx, chosen) {
		return nil, conflict(op, chosen, "The id %s is in use already.", chosen)
	}
	if limit := limitOf(tx, c.ProjectID, QuotaMetadata); limit >= 0 && len(s.Metadata) > limit {
		return nil, &cloud.Error{Kind: cloud.Quota, Op: op, Resource: "instance", Field: "/server/metadata",
			Msg: fmt.Sprintf("Maximum number of metadata items exceeds %d", limit)}
	}
	draft, err := draftOf(tx, c, op, s)
	if err != nil {
		return nil, err
	}
	nics, groups, err := resolveNetworks(tx, c, op, s)
	if err != nil {
		return nil, err
	}
	count := s.Max
	if tx.Base() == nil {
		count = max(s.Min, withinQuota(tx, c.ProjectID, draft.Flavor, s.Max))
	}
	if err := checkQuota(tx, c.ProjectID, draft.Flavor, count); err != nil {
		return nil, cloud.AsError(err).At("/server/flavorRef")
	}
	draft.ReservationID = "r-" + tx.NewID()[:8]
	var made []Instance
	for n := range count {
		i := draft
		i.ID, i.LaunchIndex = cmp.Or(chosen, tx.NewID()), n
		chosen = ""
		if s.Max > 1 {
			i.Name = fmt.Sprintf("%s-%d", s.Name, n+1)
		}
		i.Hostname = cmp.Or(s.Hostname, hostnameOf(i.Name, i.ID))
		if err := place(tx, &i, s.Host); err != nil {
			if cloud.Is(err, cloud.NoCapacity) && len(made) >= s.Min {
				break
			}
			return nil, err
		}
		if i.NICs, err = plug(tx, c, &i, nics, groups, "/server/networks"); err != nil {
			return nil, err
		}
		begin(tx, c, &i, "create", "compute__do_build_and_run_instance")
		touch(tx, &i, true)
		made = append(made, i)
	}
	return made, nil
}

// draftOf looks up what the spec names and returns an instance without identity,
// place and ports.
func draftOf(tx *statestore.Txn, c cloud.Caller, op string, s InstanceSpec) (Instance, error) {
	var none Instance
	f, err := FlavorGet(tx, c, s.FlavorID)
	if err != nil {
		return none, invalid(op, "instance", "/server/flavorRef", "Invalid flavorRef provided: flavor %s could not be found.", s.FlavorID)
	}
	img, err := imageFor(tx, c, op, s.ImageID, f)
	if err != nil {
		return none, err
	}
	i := Instance{
		ProjectID: c.ProjectID, UserID: c.UserID, Name: s.Name, Description: s.Description,
		State: Building, Desired: Running,
		RequestedZone: s.Zone, Hints: s.Hints,
		Flavor: FlavorCopy{ID: f.ID, Name: f.Name, VCPUs: f.VCPUs, MemoryMiB: f.MemoryMiB, DiskGiB: f.DiskGiB, Ephemeral: f.Ephemeral,
			SwapMiB: f.SwapMiB, ExtraSpecs: f.ExtraSpecs},
		Image:    ImageCopy{ID: img.ID, SHA256: img.SHA256, Format: img.DiskFormat, VirtualSize: img.VirtualSize, Properties: img.Properties},
		UserData: s.UserData, Metadata: maps.Clone(s.Metadata), Tags: s.Tags, ConfigDrive: s.ConfigDrive || img.Properties["img_config_drive"] == "mandatory",
		AccessIPv4: s.AccessIPv4, AccessIPv6: s.AccessIPv6, DiskConfig: s.DiskConfig, SecurityGroups: s.SecurityGroups,
		CreatedAt: tx.Now(),
	}
	if s.KeyName != "" {
		k, err := KeypairGet(tx, c.UserID, s.KeyName)
		if err != nil {
			return none, invalid(op, "instance", "/server/key_name", "Invalid key_name provided: keypair %s not found for user %s.", s.KeyName, c.UserID)
		}
		i.KeyName, i.PublicKey, i.KeyType = k.Name, k.PublicKey, k.Type
	}
	if err := checkZone(tx, op, s); err != nil {
		return none, err
	}
	if i.GroupID, err = groupOf(tx, c, op, s.Hints); err != nil {
		return none, err
	}
	return i, nil
}

// imageFor returns the image if an instance of the flavor can start from it.
func imageFor(tx *statestore.Txn, c cloud.Caller, op, id string, f Flavor) (image.Image, error) {
	const at = "/server/imageRef"
	if id == "" {
		return image.Image{}, invalid(op, "instance", at, "Invalid imageRef provided: an image is required; this cloud does not offer volumes.")
	}
	img, err := image.ImageGet(tx, c, id)
	if err != nil {
		return img, invalid(op, "instance", at, "Can not find requested image: image %s could not be found.", id)
	}
	coming := tx.Base() != nil && (img.Status == image.Queued || img.Status == image.Saving) // the plan may well upload its bytes
	if img.Status != image.Active && !coming {
		return img, invalid(op, "instance", at, "Image %s is not active: it is %s.", id, img.Status)
	}
	if img.Elsewhere() {
		return img, invalid(op, "instance", at, "The bytes of image %s are not in a store of this cloud: import them first.", id)
	}
	if standsIn(f.ID) {
		return img, nil
	}
	disk := int64(f.DiskGiB) << 30
	switch {
	case img.MinRAM > f.MemoryMiB:
		return img, invalid(op, "instance", "/server/flavorRef", "Flavor's memory is too small for requested image: flavor %s has %d MiB, image %s needs %d.", f.Name, f.MemoryMiB, id, img.MinRAM)
	case disk > 0 && img.MinDisk > f.DiskGiB:
		return img, invalid(op, "instance", "/server/flavorRef", "The created instance's disk would be too small: flavor %s has %d GiB, image %s needs %d.", f.Name, f.DiskGiB, id, img.MinDisk)
	case disk > 0 && img.VirtualSize > disk:
		return img, invalid(op, "instance", "/server/flavorRef", "Flavor's disk is too small for requested image. Flavor disk is %d bytes, image is %d bytes.", disk, img.VirtualSize)
	}
	return img, nil
}

// groupOf returns the server group that the hint names, "" for none.
func groupOf(tx *statestore.Txn, c cloud.Caller, op string, hints map[string][]string) (string, error) {
	ids := hints["group"]
	if len(ids) == 0 {
		return "", nil
	}
	id := ids[0]
	if standsIn(id) {
		return id, nil
	}
	g, err := GroupGet(tx, c, id)
	if err != nil || !c.Owns(g.ProjectID) {
		return "", invalid(op, "instance", "/os:scheduler_hints/group", "Instance group %s could not be found.", id)
	}
	used, limit := Instances.Count(tx, "group", id), limitOf(tx, c.ProjectID, QuotaGroupMembers)
	if limit >= 0 && used+1 > limit && tx.Base() == nil {
		return "", quotaUse{QuotaGroupMembers, "members of the server group", used, 1, limit}.refusal()
	}
	return id, nil
}

// resolveNetworks turns the spec's networks and groups into what to plug: ports
// that exist, and networks to make ports on.
func resolveNetworks(tx *statestore.Txn, c cloud.Caller, op string, s InstanceSpec) ([]NICSpec, []string, error) {
	nics := s.Networks
	if len(nics) == 0 && !s.NoNetwork {
		n, err := network.NetworkDefaultFor(tx, c)
		switch {
		case err == nil:
			nics = []NICSpec{{NetworkID: n.ID}}
		case s.AutoNetwork || !cloud.Is(err, cloud.NotFound):
			return nil, nil, cloud.AsError(err).At("/server/networks")
		}
	}
	groups := make([]string, 0, len(s.SecurityGroups))
	for n, name := range s.SecurityGroups {
		if name == "default" {
			network.SecurityGroupEnsureDefault(tx, c.ProjectID)
		}
		g, err := network.SecurityGroupByNameOrID(tx, c, name)
		if err != nil {
			e := cloud.AsError(err)
			if e.Kind == cloud.NotFound {
				e = invalid(op, "instance", "", "Security group %s not found for project %s.", name, c.ProjectID)
			}
			return nil, nil, e.At(fmt.Sprintf("/server/security_groups/%d/name", n))
		}
		groups = append(groups, g.ID)
	}
	return nics, groups, nil
}
