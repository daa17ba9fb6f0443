package user_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

func TestAccUser(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_user.u"
	user := func(body string) string { return "resource \"cloudlet_user\" \"u\" {\n" + body + "\n}\n" }
	config := func(body string) string { return w.As("admin", user(body)) }
	first := config("name = \"ann\"\npassword_wo = \"first one\"\npassword_wo_version = 1")
	unsent := config("name = \"ann\"\npassword_wo = \"second one\"\npassword_wo_version = 1")
	second := config("name = \"ann\"\npassword_wo = \"second one\"\npassword_wo_version = 2")
	changed := config("name = \"eve\"\ndescription = \"for people\"\nemail = \"eve@example.org\"\nenabled = false\nlock_password = true\nmulti_factor_auth_enabled = true\nmulti_factor_auth_rules = [[\"password\", \"totp\"]]")
	c := w.Client("admin").Identity
	logsIn := func(password string, want bool) func() {
		return func() {
			_, err := openstack.AuthenticatedClient(t.Context(), gophercloud.AuthOptions{IdentityEndpoint: w.AuthURL(), UserID: w.ID(at), Password: password})
			if (err == nil) != want {
				t.Errorf("with %q: %v, want success %v", password, err, want)
			}
		}
	}
	w.Run(
		providertest.Refused(w.As("demo", user(`name = "ann"`)), "", "The cloud would refuse this change"),
		providertest.Refused(config(`name = "demo"`), "name", "demo"),
		providertest.Refused(config("name = \"ann\"\npassword_wo = \"x\""), "password_wo", "password_wo_version"),
		providertest.Refused(config("name = \"ann\"\nmulti_factor_auth_rules = [[\"totp\", \"totp\"]]"), "multi_factor_auth_rules", "duplicate"),
		w.Apply(at, providertest.Create, first, "name=ann", "enabled=true", "domain_id=default", "password_wo_version=1", "lock_password=false"),
		providertest.After(logsIn("first one", true), providertest.Import(at, "password_wo_version")),
		w.Apply(at, providertest.Noop, unsent),
		providertest.After(logsIn("second one", false), w.Apply(at, providertest.Update, second, "password_wo_version=2")),
		providertest.After(logsIn("second one", true), w.Apply(at, providertest.Update, changed, "name=eve", "description=for people", "email=eve@example.org", "enabled=false",
			"lock_password=true", "multi_factor_auth_rules.0.1=totp")),
		providertest.After(logsIn("second one", false), providertest.Import(at)),
		providertest.Adopt(at),
		providertest.After(func() {
			if err := users.Update(t.Context(), c, w.ID(at), users.UpdateOpts{Name: "drifted", Options: map[users.Option]any{"lock_password": false}}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, changed, "name=eve", "lock_password=true")),
		w.Apply(at, providertest.Update, config(`name = "eve"`), "enabled=true", "lock_password=false", "multi_factor_auth_rules.#=0", "description="),
		providertest.After(func() {
			if err := users.Delete(t.Context(), c, w.ID(at)).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, config(`name = "eve"`))),
	)
}

func TestAccUserDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "data.cloudlet_user.f"
	config := func(body string) string {
		return w.As("admin", "data \"cloudlet_user\" \"f\" {\n"+body+"\n}\n")
	}
	w.Run(
		providertest.Refused(config(`name = "nobody"`), "", `has no user that is as configured, or you may not see it (name "nobody")`),
		providertest.Refused(config("id = \"x\"\nname = \"demo\""), "", "cannot be configured together"),
		providertest.Refused(config(`domain_id = "default"`), "", "users are as configured; say more"),
		providertest.Read(at, config("name = \"demo\"\ndomain_id = \"default\""), "id="+w.Client("demo").UserID, "enabled=true", "multi_factor_auth_rules.#=0"),
		providertest.Read(at, w.As("demo", "data \"cloudlet_user\" \"f\" {\nid = \""+w.Client("demo").UserID+"\"\n}\n"), "name=demo"),
	)
}
