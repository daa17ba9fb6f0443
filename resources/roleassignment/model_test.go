package roleassignment

import "testing"

// A path says what it ties; what is no path of a role assignment is refused.
func TestPath(t *testing.T) {
	for _, path := range []string{
		"projects/p/users/u/roles/r", "projects/p/groups/g/roles/r", "domains/d/users/u/roles/r", "domains/d/groups/g/roles/r", "system/users/u/roles/r", "system/groups/g/roles/r",
		"OS-INHERIT/projects/p/users/u/roles/r/inherited_to_projects", "OS-INHERIT/domains/d/groups/g/roles/r/inherited_to_projects",
	} {
		var m model
		if !m.Parse(path) {
			t.Errorf("%s is refused", path)
			continue
		}
		ids := map[string]string{}
		for name, v := range m.Refs() {
			ids[name] = v.ValueString()
		}
		if got := m.Path(ids); got != path {
			t.Errorf("%s came back as %s", path, got)
		}
	}
	for _, path := range []string{"", "r", "projects/p/users/u/roles/", "projects//users/u/roles/r", "projects/p/users/u", "regions/x/users/u/roles/r", "projects/p/users/u/roles/r/inherited_to_projects",
		"OS-INHERIT/projects/p/users/u/roles/r", "OS-INHERIT/system/users/u/roles/r/inherited_to_projects", "projects/p/users/u/roles/r/x", "/projects/p/users/u/roles/r"} {
		var m model
		if m.Parse(path) {
			t.Errorf("%q is taken for a role assignment", path)
		}
	}
}
