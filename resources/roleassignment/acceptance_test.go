package roleassignment_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

const others = `
data "cloudlet_role" "member" {
  name = "member"
}
data "cloudlet_project" "demo" {
  name = "demo"
}
resource "cloudlet_user" "ann" {
  name                = "ann"
  password_wo         = "a password"
  password_wo_version = 1
}
`

func TestAccRoleAssignment(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_role_assignment.a"
	config := func(body string) string {
		return w.As("admin", others+"resource \"cloudlet_role_assignment\" \"a\" {\n"+body+"\n}\n")
	}
	const who = "role_id = data.cloudlet_role.member.id\nuser_id = cloudlet_user.ann.id\n"
	inProject := config(who + "project_id = data.cloudlet_project.demo.id")
	var ids struct{ user string }
	c := w.Client("admin").Identity
	w.Run(
		providertest.Refused(config(who), "", "one (and only one) of"),
		providertest.Refused(config(who+"system = true\ninherited = true"), "inherited", "is not inherited"),
		providertest.Refused(config("role_id = \"nothing\"\nuser_id = cloudlet_user.ann.id\nproject_id = data.cloudlet_project.demo.id"), "role_id", "nothing"),
		w.Apply(at, providertest.Create, inProject, "id=*", "inherited=false"),
		w.Apply("cloudlet_user.ann", providertest.Noop, inProject),
		providertest.After(func() {
			p, err := openstack.AuthenticatedClient(t.Context(), gophercloud.AuthOptions{IdentityEndpoint: w.AuthURL(), Username: "ann", Password: "a password", DomainID: "default", TenantName: "demo"})
			if err != nil || p.Token() == "" {
				t.Errorf("the role does not let the user in: %v", err)
			}
			ids.user = w.ID("cloudlet_user.ann")
		}, providertest.Import(at)),
		providertest.Adopt(at),
		providertest.After(func() {
			pages, err := roles.ListAssignments(c, roles.ListAssignmentsOpts{UserID: ids.user}).AllPages(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			all, err := roles.ExtractRoleAssignments(pages)
			if err != nil || len(all) != 1 {
				t.Fatalf("%v, %v", all, err)
			}
			if err := roles.Unassign(t.Context(), c, all[0].Role.ID, roles.UnassignOpts{UserID: ids.user, ProjectID: all[0].Scope.Project.ID}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, inProject)),
		w.Apply(at, providertest.Replace, config(who+"domain_id = \"default\"\ninherited = true"), "domain_id=default", "inherited=true"),
		providertest.Import(at),
		w.Apply(at, providertest.Replace, config(who+"system = true"), "system=true"),
		providertest.Import(at),
	)
}

func TestAccRoleAssignmentsDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "data.cloudlet_role_assignments.f"
	config := func(body string) string {
		return w.As("admin", others+`
resource "cloudlet_group" "g" {
  name = "night-shift"
}
resource "cloudlet_group_membership" "m" {
  group_id = cloudlet_group.g.id
  user_id  = cloudlet_user.ann.id
}
resource "cloudlet_role_assignment" "a" {
  role_id    = data.cloudlet_role.member.id
  group_id   = cloudlet_group_membership.m.group_id
  project_id = data.cloudlet_project.demo.id
}
resource "cloudlet_role_assignment" "all" {
  role_id  = data.cloudlet_role.member.id
  user_id  = cloudlet_user.ann.id
  system   = true
}
data "cloudlet_role_assignments" "f" {
  depends_on = [cloudlet_role_assignment.a, cloudlet_role_assignment.all]
`+body+"\n}\n")
	}
	w.Run(
		providertest.Refused(config("user_id = \"a\"\ngroup_id = \"b\""), "", "cannot be configured together"),
		providertest.Read(at, config("group_id = cloudlet_group.g.id"), "assignments.#=1", "assignments.0.role_name=member", "assignments.0.group_name=night-shift", "assignments.0.system=false",
			"assignments.0.project_id=*", "assignments.0.inherited=false"),
		providertest.Read(at, config("user_id = cloudlet_user.ann.id\nsystem = true"), "assignments.#=1", "assignments.0.system=true", "assignments.0.user_name=ann"),
		providertest.Read(at, config("user_id = cloudlet_user.ann.id\nproject_id = data.cloudlet_project.demo.id\neffective = true"), "assignments.#=2", "assignments.0.user_name=ann", "assignments.1.user_name=ann"),
		providertest.Read(at, config("user_id = cloudlet_user.ann.id\ninherited = true"), "assignments.#=0"),
	)
}
