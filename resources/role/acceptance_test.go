package role_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

func TestAccRole(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_role.r"
	role := func(body string) string { return "resource \"cloudlet_role\" \"r\" {\n" + body + "\n}\n" }
	config := func(body string) string { return w.As("admin", role(body)) }
	changed := config("name = \"night\"\ndescription = \"for people\"")
	c := w.Client("admin").Identity
	w.Run(
		providertest.Refused(w.As("demo", role(`name = "day"`)), "", "The cloud would refuse this change"),
		providertest.Refused(config(`name = "member"`), "name", "member"),
		w.Apply(at, providertest.Create, config(`name = "day"`), "name=day", "immutable=false", "description="),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Update, changed, "name=night", "description=for people"),
		providertest.After(func() {
			if err := roles.Update(t.Context(), c, w.ID(at), roles.UpdateOpts{Name: "drifted"}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, changed, "name=night")),
		providertest.After(func() {
			if err := roles.Delete(t.Context(), c, w.ID(at)).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, changed)),
		w.Apply(at, providertest.Replace, config("name = \"night\"\ndomain_id = \"default\"\nimmutable = true"), "domain_id=default", "immutable=true"),
		providertest.Import(at),
		w.Apply(at, providertest.Update, config("name = \"day\"\ndomain_id = \"default\""), "name=day", "immutable=false"),
	)
}

func TestAccRoleDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	config := func(body string) string { return w.As("admin", "data \"cloudlet_role\" \"r\" {\n"+body+"\n}\n") }
	w.Run(
		providertest.Refused(config(`name = "nobody"`), "", "has no role that is as configured"),
		providertest.Refused(config("name = \"member\"\ndomain_id = \"default\""), "", "has no role that is as configured"),
		providertest.Read("data.cloudlet_role.r", config(`name = "member"`), "id=*"),
	)
}
