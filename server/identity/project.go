package identity

import (
	"reflect"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// maxDepth is Keystone's max_project_tree_depth: how many projects may be above
// one another in a domain.
const maxDepth = 5

// ProjectGet returns a project by id; for a domain's id, the domain as the project
// that it also is. Error kind: NotFound.
func ProjectGet(r statestore.Reader, id string) (Project, error) {
	if d, ok := Domains.Get(r, id); ok {
		return DomainAsProject(d), nil
	}
	return get(Projects, r, "project", id)
}

// DomainAsProject returns the project that acts as a domain.
func DomainAsProject(d Domain) Project {
	return Project{ID: d.ID, Name: d.Name, Description: d.Description, Enabled: d.Enabled, IsDomain: true, Tags: d.Tags, Options: d.Options, Extra: d.Extra}
}

// ProjectPut stores a new or changed project; one that acts as a domain is stored
// as that domain. Error kinds: Invalid, NotFound for its domain or parent,
// Conflict, Forbidden for an immutable one, for a branch that is disabled or too
// deep, and for disabling one with enabled projects below.
func ProjectPut(tx *statestore.Txn, p Project) (Project, error) {
	if p.IsDomain {
		d, err := DomainPut(tx, Domain{ID: p.ID, Name: p.Name, Description: p.Description, Enabled: p.Enabled, Tags: p.Tags, Options: p.Options, Extra: p.Extra})
		if e := cloud.AsError(err); e != nil {
			return p, e.At(strings.Replace(e.Field, "/domain/", "/project/", 1))
		}
		return DomainAsProject(d), nil
	}
	if err := checkName("project", p.Name, "/project/name"); err != nil {
		return p, err
	}
	if _, ok := Domains.Get(tx, p.DomainID); !ok {
		return p, missing("domain", p.DomainID).At("/project/domain_id")
	}
	if p.ParentID == "" {
		p.ParentID = p.DomainID
	}
	if err := p.checkPlace(tx); err != nil {
		return p, err
	}
	if other, ok := Projects.First(tx, "name", folded(p.DomainID, p.Name)); ok && other.ID != p.ID {
		return p, taken("project", p.Name)
	}
	if err := p.checkChange(tx); err != nil {
		return p, err
	}
	if p.ID == "" {
		p.ID = newID(tx)
	}
	Projects.Put(tx, p)
	return p, nil
}

// ProjectPut is the function of that name, which in the strict model of limits refuses, too, a new
// project below another one: its levels are domain and project. Error kinds: those.
func (a Authority) ProjectPut(tx *statestore.Txn, p Project) (Project, error) {
	if p, err := ProjectPut(tx, p); err != nil || a.LimitModel != StrictLimits || p.IsDomain || p.ParentID == p.DomainID {
		return p, err
	}
	return p, cloud.Errorf(cloud.Forbidden, "project", "Max hierarchy depth reached for %s branch: in the limit model %s a project cannot be below another one.", p.ParentID, StrictLimits).At("/project/parent_id")
}

// checkPlace checks what is above a project.
func (p Project) checkPlace(r statestore.Reader) error {
	old, exists := Projects.Get(r, p.ID)
	branch := cloud.Errorf(cloud.Forbidden, "project", "A project cannot be made or enabled in a branch that has a disabled project or domain above it.")
	if d, _ := Domains.Get(r, p.DomainID); p.Enabled && !old.Enabled && !d.Enabled {
		return branch
	}
	if p.ParentID == p.DomainID {
		return nil
	}
	parent, ok := Projects.Get(r, p.ParentID)
	if !ok {
		return missing("project", p.ParentID).At("/project/parent_id")
	}
	if parent.DomainID != p.DomainID {
		return cloud.Errorf(cloud.Invalid, "project", "A project must be in the domain of its parent, %s.", parent.DomainID).At("/project/domain_id")
	}
	above := ProjectsAbove(r, p)
	if !exists && len(above) >= maxDepth {
		return cloud.Errorf(cloud.Forbidden, "project", "Max hierarchy depth reached for %s branch: at most %d projects may be above one another.", p.ParentID, maxDepth).At("/project/parent_id")
	}
	if p.Enabled && !old.Enabled && slices.ContainsFunc(above, func(a Project) bool { return !a.Enabled }) {
		return branch
	}
	return nil
}

// checkChange checks a change of what is there.
func (p Project) checkChange(r statestore.Reader) error {
	old, ok := Projects.Get(r, p.ID)
	if !ok {
		return nil
	}
	if same := old; old.Options.On(Immutable) {
		if same.Options = p.Options; !reflect.DeepEqual(same, p) {
			return unmovable("project", p.ID, "update")
		}
	}
	if old.Enabled && !p.Enabled && slices.ContainsFunc(ProjectsBelow(r, p.ID), func(b Project) bool { return b.Enabled }) {
		return cloud.Errorf(cloud.Forbidden, "project", "Cannot disable project %s since its subtree contains enabled projects.", p.ID)
	}
	return nil
}

// ProjectDelete deletes a project without children, and its assignments; one that
// acts as a domain as DomainDelete does. It is no longer the default of any user.
// What the project owned elsewhere stays, as in Keystone. Error kinds: NotFound,
// Forbidden.
func ProjectDelete(tx *statestore.Txn, id string) error {
	p, err := ProjectGet(tx, id)
	if err != nil {
		return err
	}
	if p.IsDomain {
		return DomainDelete(tx, id)
	}
	if p.Options.On(Immutable) {
		return unmovable("project", id, "delete")
	}
	if child, ok := Projects.First(tx, "parent", id); ok {
		return cloud.Errorf(cloud.Forbidden, "project", "Cannot delete the project %s since it is not a leaf in the hierarchy: %s is below it.", id, child.ID)
	}
	projectRemove(tx, id)
	return nil
}

func projectRemove(tx *statestore.Txn, id string) {
	drop(tx, "scope", Scope{ProjectScope, id}.key())
	for _, u := range slices.Collect(Users.By(tx, "default_project", id)) {
		u.DefaultProjectID = ""
		Users.Put(tx, u)
	}
	dropCredentials(tx, "project", id)
	dropAppCredentials(tx, "project", id)
	dropTrusts(tx, "project", id)
	dropOAuth(tx, "project", id)
	dropEndpointFilters(tx, "project", id)
	dropLimits(tx, "owner", id)
	Projects.Delete(tx, id)
	retirees.Put(tx, retired{id})
}
