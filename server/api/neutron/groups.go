package neutron

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/statestore"
)

func groups() *resource[network.SecurityGroup] {
	return &resource[network.SecurityGroup]{
		name: "security_group", plural: "security_groups", path: "/security-groups", gone: "Security group %s does not exist.",
		attributes: groupAttributes(rules()), table: network.SecurityGroups,
		indexes:  map[string]string{"name": "name", "project_id": "project", "tenant_id": "project"},
		id:       func(g *network.SecurityGroup) string { return g.ID },
		revision: func(g *network.SecurityGroup) int { return g.Revision },
		tags:     func(g *network.SecurityGroup) []string { return g.Tags },
		target: func(_ statestore.Reader, g *network.SecurityGroup) cloud.Target {
			return cloud.Target{ProjectID: g.ProjectID}
		},
		before: ensureDefault, create: groupCreate, update: groupUpdate, remove: network.SecurityGroupDelete,
		retag: func(tx *statestore.Txn, c cloud.Caller, id string, tags []string) error {
			_, err := network.SecurityGroupUpdate(tx, c, id, network.GroupChange{Tags: &tags})
			return err
		},
	}
}

// ensureDefault makes the default group of the caller's project, which whoever
// lists groups expects to be there.
func ensureDefault(rq *front.Request) error {
	project := rq.Caller.ProjectID
	if _, ok := network.SecurityGroups.First(rq.Read(), "default", project); ok || project == "" {
		return nil
	}
	return rq.Write(func(tx *statestore.Txn) error {
		network.SecurityGroupEnsureDefault(tx, project)
		return nil
	})
}

func groupAttributes(rules *resource[network.SecurityRule]) []attribute[network.SecurityGroup] {
	type G = network.SecurityGroup
	return slices.Concat([]attribute[G]{
		{name: "id", value: func(_ *view, g *G) any { return g.ID }},
		{name: "name", post: true, put: true, value: func(_ *view, g *G) any { return g.Name }},
		{name: "description", post: true, put: true, value: func(_ *view, g *G) any { return g.Description }},
		{name: "security_group_rules", value: func(v *view, g *G) any { return renderRules(v, rules, g.ID) }},
		tagged(func(g *G) []string { return g.Tags }),
	}, standard(func(g *G) string { return g.ProjectID }, func(g *G) int { return g.Revision },
		func(g *G) (time.Time, time.Time) { return g.CreatedAt, g.UpdatedAt }))
}

// renderRules renders all rules of a group, whatever fields= selects of the group.
func renderRules(v *view, rules *resource[network.SecurityRule], groupID string) any {
	whole := &view{rq: v.rq, r: v.r}
	out := []jsontext.Value{}
	for _, r := range network.SecurityGroupRules(v.r, groupID) {
		if o, err := rules.render(whole, &r); err == nil {
			out = append(out, o)
		}
	}
	return out
}

func groupCreate(w writing, in *input) (network.SecurityGroup, error) {
	spec := network.GroupSpec{ProjectID: in.project, Name: deref(in.text("name")), Description: deref(in.text("description")), Tags: deref(in.texts("tags"))}
	if err := in.fault(); err != nil {
		return network.SecurityGroup{}, err
	}
	return network.SecurityGroupCreate(w.tx, w.caller(), spec)
}

func groupUpdate(w writing, id string, in *input) (network.SecurityGroup, error) {
	ch := network.GroupChange{Name: in.text("name"), Description: in.text("description")}
	if err := in.fault(); err != nil {
		return network.SecurityGroup{}, err
	}
	return network.SecurityGroupUpdate(w.tx, w.caller(), id, ch)
}
