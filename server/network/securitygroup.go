package network

import (
	"net/netip"
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// DefaultGroup is the name of the group that a port gets which names none.
const DefaultGroup = "default"

// SecurityGroup is a named set of rules. Nothing may pass that no rule of a
// port's groups lets pass; answers to what may pass do.
type SecurityGroup struct {
	ID          string
	ProjectID   string
	Name        string
	Description string
	Default     bool // the project's default group: it cannot be deleted or renamed

	Tags                 []string
	Revision             int // rises also with its rules
	CreatedAt, UpdatedAt time.Time
}

// SecurityGroups is the table of security groups.
//
//   - project: the owner
//   - name: the name; groups may share one
//   - default: the project, of its default group
var SecurityGroups = statestore.NewTable(statestore.TableDef[SecurityGroup]{
	Name:    "security_group",
	Version: 1,
	Key:     func(g *SecurityGroup) string { return g.ID },
	Indexes: []statestore.Index[SecurityGroup]{
		{Name: "project", Keys: func(g *SecurityGroup) []string { return []string{g.ProjectID} }},
		{Name: "name", Keys: func(g *SecurityGroup) []string { return []string{g.Name} }},
		{Name: "default", Keys: func(g *SecurityGroup) []string {
			if !g.Default {
				return nil
			}
			return []string{g.ProjectID}
		}},
	},
})

// SecurityGroupGet returns the group if the caller owns it, else NotFound. The
// row with cloud.UnknownID is seen by all.
func SecurityGroupGet(r statestore.Reader, c cloud.Caller, id string) (SecurityGroup, error) {
	g, ok := SecurityGroups.Get(r, id)
	if !ok || !c.Admin() && !c.Owns(g.ProjectID) && !standsIn(id) {
		return SecurityGroup{}, missing("SecurityGroupGet", "security_group", id, "Security group %s does not exist.")
	}
	return g, nil
}

// SecurityGroupByNameOrID returns the group with the id or, of the caller's
// project, with the name. Error kinds: NotFound, Conflict (Ambiguous) if several
// have the name.
func SecurityGroupByNameOrID(r statestore.Reader, c cloud.Caller, s string) (SecurityGroup, error) {
	const op = "SecurityGroupByNameOrID"
	if g, err := SecurityGroupGet(r, c, s); err == nil {
		return g, nil
	}
	var found []SecurityGroup
	for g := range SecurityGroups.By(r, "name", s) {
		if c.ProjectID != "" && g.ProjectID == c.ProjectID {
			found = append(found, g)
		}
	}
	switch len(found) {
	case 0:
		return SecurityGroup{}, missing(op, "security_group", s, "Security group %s does not exist.")
	case 1:
		return found[0], nil
	}
	return SecurityGroup{}, conflict(Ambiguous, op, "security_group", s, "", "Multiple security groups found matching '%s'. Use an ID to be more specific.", s)
}

// SecurityGroupEnsureDefault returns the project's default group, which it makes
// if there is none: nothing comes in but from members, everything goes out.
// Quota does not stop it.
func SecurityGroupEnsureDefault(tx *statestore.Txn, projectID string) SecurityGroup {
	if g, ok := SecurityGroups.First(tx, "default", projectID); ok {
		return g
	}
	g := SecurityGroup{ID: tx.NewID(), ProjectID: projectID, Name: DefaultGroup, Description: "Default security group", Default: true,
		Revision: 1, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
	SecurityGroups.Put(tx, g)
	for _, e := range []Ethertype{IPv4, IPv6} {
		ruleInsert(tx, SecurityRule{GroupID: g.ID, ProjectID: projectID, Direction: Ingress, Ethertype: e, RemoteGroupID: g.ID})
	}
	egressRules(tx, g)
	return g
}

// egressRules puts the two rules that every new group has: all may go out.
func egressRules(tx *statestore.Txn, g SecurityGroup) {
	for _, e := range []Ethertype{IPv4, IPv6} {
		ruleInsert(tx, SecurityRule{GroupID: g.ID, ProjectID: g.ProjectID, Direction: Egress, Ethertype: e})
	}
}

// GroupSpec is what a new security group is to be.
type GroupSpec struct {
	ProjectID         string // the caller's
	Name, Description string
	Tags              []string
}

// SecurityGroupCreate makes a group that lets everything out and nothing in.
// Error kinds: Invalid, Conflict if it is called "default", Quota.
func SecurityGroupCreate(tx *statestore.Txn, c cloud.Caller, spec GroupSpec) (SecurityGroup, error) {
	const op = "SecurityGroupCreate"
	project, err := owner(op, "security_group", c, spec.ProjectID)
	if err != nil {
		return SecurityGroup{}, err
	}
	SecurityGroupEnsureDefault(tx, project)
	g := SecurityGroup{ProjectID: project, Name: spec.Name, Description: spec.Description}
	if err := g.check(op); err != nil {
		return g, err
	}
	if g.Tags, err = checkTags(op, "security_group", spec.Tags); err != nil {
		return g, err
	}
	if spec.Name == DefaultGroup {
		return g, conflict(DefaultGroupExists, op, "security_group", "", "/name", "Default security group already exists.")
	}
	if err := quotaTake(tx, op, QuotaGroups, project, SecurityGroups, func(g SecurityGroup) string { return g.ID }); err != nil {
		return g, err
	}
	if g.ID, err = idFor(tx, c, op, "security_group", SecurityGroups); err != nil {
		return g, err
	}
	g.CreatedAt, g.UpdatedAt, g.Revision = tx.Now(), tx.Now(), 1
	SecurityGroups.Put(tx, g)
	egressRules(tx, g)
	return g, nil
}

func (g SecurityGroup) check(op string) error {
	return checkText(op, "security_group", map[string]string{"name": g.Name, "description": g.Description})
}

// GroupChange is what is to change of a security group; nil leaves a thing as it is.
type GroupChange struct {
	Name, Description *string
	Tags              *[]string
}

// SecurityGroupUpdate changes a group. Error kinds: NotFound, Invalid, Conflict
// for a new name of the default group, or "default" for another.
func SecurityGroupUpdate(tx *statestore.Txn, c cloud.Caller, id string, ch GroupChange) (SecurityGroup, error) {
	const op = "SecurityGroupUpdate"
	g, err := SecurityGroupGet(tx, c, id)
	if err != nil {
		return g, err
	}
	if ch.Name != nil && *ch.Name != g.Name {
		if g.Default {
			return g, conflict(DefaultGroupRenamed, op, "security_group", id, "/name", "Updating default security group not allowed.")
		}
		if *ch.Name == DefaultGroup {
			return g, conflict(DefaultGroupExists, op, "security_group", id, "/name", "Default security group already exists.")
		}
	}
	set(&g.Name, ch.Name)
	set(&g.Description, ch.Description)
	if err := g.check(op); err != nil {
		return g, err
	}
	if ch.Tags != nil {
		if g.Tags, err = checkTags(op, "security_group", *ch.Tags); err != nil {
			return g, err
		}
	}
	return groupTouch(tx, g), nil
}

func groupTouch(tx *statestore.Txn, g SecurityGroup) SecurityGroup {
	g.Revision++
	g.UpdatedAt = tx.Now()
	SecurityGroups.Put(tx, g)
	return g
}

// SecurityGroupDelete removes a group with its rules and, as Neutron does, the
// rules of other groups that are about its members. Error kinds: NotFound,
// Conflict for the default group (admins may) and while a port uses it.
func SecurityGroupDelete(tx *statestore.Txn, c cloud.Caller, id string) error {
	const op = "SecurityGroupDelete"
	g, err := SecurityGroupGet(tx, c, id)
	if err != nil {
		return err
	}
	if g.Default && !c.Admin() {
		return conflict(DefaultGroupKept, op, "security_group", id, "", "Insufficient rights for removing default security group.")
	}
	if p, used := Ports.First(tx, "security_group", id); used {
		e := conflict(GroupInUse, op, "security_group", id, "", "Security Group %s in use by port %s.", id, p.ID)
		if err := contest(tx, exists(Ports, p.ID), e); err != nil {
			return err
		}
	}
	for _, r := range slices.Collect(SecurityRules.By(tx, "remote_group", id)) {
		SecurityRules.Delete(tx, r.ID)
		if other, ok := SecurityGroups.Get(tx, r.GroupID); ok && other.ID != id && !standsIn(other.ID) {
			groupTouch(tx, other)
		}
	}
	for _, r := range slices.Collect(SecurityRules.By(tx, "group", id)) {
		SecurityRules.Delete(tx, r.ID)
	}
	SecurityGroups.Delete(tx, id)
	return nil
}

// SecurityGroupAddresses returns what the members of a group send from: their
// addresses and their allowed pairs', sorted, each once.
func SecurityGroupAddresses(r statestore.Reader, groupID string) []netip.Prefix {
	var list []netip.Prefix
	for p := range Ports.By(r, "security_group", groupID) {
		for _, f := range p.FixedIPs {
			list = append(list, netip.PrefixFrom(f.Address, f.Address.BitLen()))
		}
		for _, a := range p.AllowedPairs {
			list = append(list, a.Prefix)
		}
	}
	slices.SortFunc(list, netip.Prefix.Compare)
	return slices.Compact(list)
}

// SecurityGroupRules returns a group's rules, in the order of their ids.
func SecurityGroupRules(r statestore.Reader, groupID string) []SecurityRule {
	return slices.Collect(SecurityRules.By(r, "group", groupID))
}

// setGroups checks and sets the port's security groups; nil is the default.
func (p *Port) setGroups(tx *statestore.Txn, op string, c cloud.Caller, want *[]string) error {
	const field = "/security_groups"
	if !p.PortSecurity {
		p.SecurityGroups = nil
		if want != nil && len(*want) > 0 {
			return conflict(GroupsNeedSecurity, op, "port", p.ID, field, "Port has security group associated. Cannot disable port security or ip address until security group is removed.")
		}
		return nil
	}
	if want == nil {
		p.SecurityGroups = []string{SecurityGroupEnsureDefault(tx, p.ProjectID).ID}
		return nil
	}
	ids := slices.Clone(*want)
	for i, id := range ids {
		g, err := SecurityGroupGet(tx, c, id)
		// A port that has the group keeps it, whoever changes the port.
		if (err != nil || !standsIn(id) && g.ProjectID != p.ProjectID && !c.Admin()) && !slices.Contains(p.SecurityGroups, id) {
			return missing(op, "security_group", id, "Security group %s does not exist.").At(field + "/" + itoa(i))
		}
	}
	slices.Sort(ids)
	p.SecurityGroups = slices.Compact(ids)
	return nil
}
