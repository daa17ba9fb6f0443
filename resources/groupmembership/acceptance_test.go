package groupmembership_test

import (
	"regexp"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

const others = `
resource "cloudlet_group" "g" {
  name = "night"
}
resource "cloudlet_user" "ann" {
  name = "ann"
}
resource "cloudlet_user" "eve" {
  name = "eve"
}
`

func TestAccGroupMembership(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_group_membership.m"
	config := func(user string) string {
		return w.As("admin", others+"resource \"cloudlet_group_membership\" \"m\" {\ngroup_id = cloudlet_group.g.id\nuser_id = "+user+"\n}\n")
	}
	ann, eve := config("cloudlet_user.ann.id"), config("cloudlet_user.eve.id")
	c := w.Client("admin").Identity
	w.Run(
		providertest.Refused(config(`"nobody"`), "user_id", "nobody"),
		w.Apply(at, providertest.Create, ann, "id=*"),
		w.Apply("cloudlet_group.g", providertest.Noop, ann),
		w.Apply("cloudlet_user.ann", providertest.Noop, ann),
		providertest.Import(at),
		providertest.Adopt(at),
		resource.TestStep{ResourceName: at, ImportState: true, ImportStateId: "groups/only", ExpectError: regexp.MustCompile(providertest.Words("its path in the identity API"))},
		providertest.After(func() {
			if err := users.RemoveFromGroup(t.Context(), c, w.ID("cloudlet_group.g"), w.ID("cloudlet_user.ann")).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, ann)),
		w.Apply(at, providertest.Replace, eve),
	)
}
