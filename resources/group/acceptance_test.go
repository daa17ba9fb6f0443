package group_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/groups"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

func TestAccGroup(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_group.g"
	group := func(body string) string { return "resource \"cloudlet_group\" \"g\" {\n" + body + "\n}\n" }
	config := func(body string) string { return w.As("admin", group(body)) }
	changed := config("name = \"night\"\ndescription = \"for people\"")
	twice := changed + "resource \"cloudlet_group\" \"again\" {\nname = \"night\"\n}\n"
	c := w.Client("admin").Identity
	w.Run(
		providertest.Refused(w.As("demo", group(`name = "day"`)), "", "The cloud would refuse this change"),
		w.Apply(at, providertest.Create, config(`name = "day"`), "name=day", "domain_id=default", "description="),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Update, changed, "name=night", "description=for people"),
		providertest.Refused(twice, "name", "night"),
		providertest.After(func() {
			if err := groups.Update(t.Context(), c, w.ID(at), groups.UpdateOpts{Name: "drifted"}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, changed, "name=night")),
		providertest.After(func() {
			if err := groups.Delete(t.Context(), c, w.ID(at)).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, changed)),
		providertest.Read("data.cloudlet_group.g", changed+"data \"cloudlet_group\" \"g\" {\nname = cloudlet_group.g.name\n}\n", "id=*", "description=for people"),
		providertest.Refused(changed+"data \"cloudlet_group\" \"h\" {\nname = \"nobody\"\n}\n", "", "has no group that is as configured"),
	)
}
