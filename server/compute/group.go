package compute

import (
	"slices"
	"strconv"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Group is a server group: it says how its instances lie relative to each other.
type Group struct {
	ID         string
	Name       string
	ProjectID  string
	UserID     string
	Policy     string // affinity, anti-affinity, soft-affinity, soft-anti-affinity
	MaxPerHost int    // of anti-affinity: how many may share a host; 0 means 1
	CreatedAt  time.Time
}

// Groups is the table of server groups. Index project: the owner.
var Groups = statestore.NewTable(statestore.TableDef[Group]{
	Name:    "server_group",
	Version: 1,
	Key:     func(g *Group) string { return g.ID },
	Indexes: []statestore.Index[Group]{
		{Name: "project", Keys: func(g *Group) []string { return []string{g.ProjectID} }},
	},
})

// GroupPolicies are the policies of a group.
var GroupPolicies = []string{"affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"}

// GroupCreate makes a server group of the caller's project. Error kinds:
// Invalid, Quota.
func GroupCreate(tx *statestore.Txn, c cloud.Caller, g Group) (Group, error) {
	const op = "GroupCreate"
	if g.Name == "" || len(g.Name) > 255 || !printable.MatchString(g.Name) {
		return g, invalid(op, "server group", "/server_group/name", "Invalid input for field/attribute name. It must have 1 to 255 printable characters.")
	}
	if !slices.Contains(GroupPolicies, g.Policy) {
		return g, invalid(op, "server group", "/server_group/policy", "Invalid input for field/attribute policy. Value: %s. '%s' is not one of %v", g.Policy, g.Policy, GroupPolicies)
	}
	if g.MaxPerHost < 0 || g.MaxPerHost > 0 && g.Policy != "anti-affinity" {
		return g, invalid(op, "server group", "/server_group/rules", "Only anti-affinity policy supports rules.")
	}
	used, limit := Groups.Count(tx, "project", c.ProjectID), limitOf(tx, c.ProjectID, QuotaGroups)
	if err := overQuota(tx, quotaUse{QuotaGroups, "server group", used, 1, limit}, func() int {
		n := 0
		for o := range Groups.By(tx, "project", c.ProjectID) {
			if _, was := Groups.Get(tx.Base(), o.ID); !was {
				n++
			}
		}
		return n
	}); err != nil {
		return g, err
	}
	g.ID, g.ProjectID, g.UserID, g.CreatedAt = tx.NewID(), c.ProjectID, c.UserID, tx.Now()
	Groups.Put(tx, g)
	return g, nil
}

// GroupGet returns the group if the caller may see it; NotFound otherwise.
func GroupGet(r statestore.Reader, c cloud.Caller, id string) (Group, error) {
	g, ok := Groups.Get(r, id)
	if !ok || !c.Admin() && !c.Owns(g.ProjectID) {
		return Group{}, &cloud.Error{Kind: cloud.NotFound, Op: "GroupGet", Resource: "server group", ID: id, Msg: "Instance group " + id + " could not be found."}
	}
	return g, nil
}

// GroupDelete removes the group; its instances stay where they are.
func GroupDelete(tx *statestore.Txn, c cloud.Caller, id string) error {
	if _, err := GroupGet(tx, c, id); err != nil {
		return err
	}
	for i := range Instances.By(tx, "group", id) {
		i.GroupID = ""
		touch(tx, &i, false)
	}
	Groups.Delete(tx, id)
	return nil
}

// GroupMembers returns the ids of the group's instances.
func GroupMembers(r statestore.Reader, id string) []string {
	ids := []string{}
	for i := range Instances.By(r, "group", id) {
		ids = append(ids, i.ID)
	}
	return ids
}

// groupHosts returns how many of the group's instances each host has, by id.
func groupHosts(r statestore.Reader, id string) map[string]int {
	hosts := map[string]int{}
	for i := range Instances.By(r, "group", id) {
		if i.HostID != "" {
			hosts[i.HostID]++
		}
	}
	return hosts
}

// MaxServersPerHost is the group's rule as Nova renders it, "" for none.
func (g Group) MaxServersPerHost() string {
	if g.MaxPerHost == 0 {
		return ""
	}
	return strconv.Itoa(g.MaxPerHost)
}
