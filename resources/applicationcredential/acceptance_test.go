package applicationcredential_test

import (
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/applicationcredentials"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

const (
	at    = "cloudlet_application_credential.ci"
	first = "secret_wo = \"the first secret\"\nsecret_wo_version = 1\n"
	rules = `access_rules = [
  { service = "compute", method = "GET", path = "/v2.1/servers" },
  { service = "compute", method = "POST", path = "/v2.1/servers" },
]
`
)

func credential(body string) string {
	return "resource \"cloudlet_application_credential\" \"ci\" {\nname = \"ci\"\n" + body + "\n}\n"
}

func TestAccApplicationCredential(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	config := func(body string) string { return w.As("demo", credential(body)) }
	limited := config(first + rules + "roles = [\"reader\"]\nexpires_at = \"2999-12-31T23:00:00Z\"\ndescription = \"for the pipeline\"")
	renewed := config("secret_wo = \"the second secret\"\nsecret_wo_version = 2")
	me := w.Client("demo")
	logsIn := func(secret string, want bool) func() {
		return func() {
			_, err := openstack.AuthenticatedClient(t.Context(), gophercloud.AuthOptions{IdentityEndpoint: w.AuthURL(), ApplicationCredentialID: w.ID(at), ApplicationCredentialSecret: secret})
			if (err == nil) != want {
				t.Errorf("with %q: %v, want success %v", secret, err, want)
			}
		}
	}
	ruleCount := func(want int) {
		pages, err := applicationcredentials.ListAccessRules(me.Identity, me.UserID).AllPages(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if all, err := applicationcredentials.ExtractAccessRules(pages); err != nil || len(all) != want {
			t.Errorf("%d access rules, want %d: %v", len(all), want, err)
		}
	}
	w.Run(
		providertest.Refused(config("secret_wo = \"x\""), "", "secret_wo_version"),
		providertest.Refused(config(first+`roles = ["admin"]`), "roles", "the user must hold each of its roles"),
		providertest.Refused(config(first+`roles = ["nothing"]`), "roles", "Could not find role: nothing"),
		providertest.Refused(config(first+`expires_at = "2001-01-01T00:00:00Z"`), "expires_at", "it is in the past"),
		providertest.Refused(config(first+`expires_at = "2999-01-01"`), "expires_at", "must be a time in UTC"),
		providertest.Refused(config(first+strings.ReplaceAll(rules, "GET", "LOOK")), "", "value must be one of"),
		w.Apply(at, providertest.Create, limited, "name=ci", "unrestricted=false", "roles.#=1", "access_rules.#=2", "user_id="+me.UserID, "expires_at=2999-12-31T23:00:00Z"),
		providertest.After(logsIn("the first secret", true), providertest.Import(at, "secret_wo_version")),
		w.Apply(at, providertest.Noop, limited),
		providertest.After(func() { ruleCount(2) }, w.Apply(at, providertest.Replace, config(first), "roles.#=*", "description=")),
		providertest.After(func() { logsIn("the first secret", true)(); ruleCount(0) }, w.Apply(at, providertest.Noop, config("secret_wo = \"unsent\"\nsecret_wo_version = 1"))),
		providertest.After(logsIn("unsent", false), w.Apply(at, providertest.Replace, renewed, "secret_wo_version=2")),
		providertest.After(logsIn("the second secret", true), providertest.Refused(renewed+strings.ReplaceAll(credential(first), "\"ci\" {", "\"other\" {"), "name", "Duplicate entry")),
		providertest.Refused(w.As("admin", credential(first)), "", "The application credential is another user's"),
		providertest.After(func() {
			if err := applicationcredentials.Delete(t.Context(), me.Identity, me.UserID, w.ID(at)).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Create, renewed)),
		w.Apply(at, providertest.Replace, config("unrestricted = true\n"+first), "unrestricted=true"),
	)
}

// TestAccByApplicationCredential: a provider that itself uses an application
// credential makes others if it may, or says why not.
func TestAccByApplicationCredential(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	me := w.Client("demo")
	by := func(unrestricted bool, name string) string {
		c, err := applicationcredentials.Create(t.Context(), me.Identity, me.UserID, applicationcredentials.CreateOpts{Name: name, Secret: "lent", Unrestricted: unrestricted}).Extract()
		if err != nil {
			t.Fatal(err)
		}
		return "provider \"cloudlet\" {\nauth_url = \"" + w.AuthURL() + "\"\napplication_credential_id = \"" + c.ID + "\"\napplication_credential_secret = \"lent\"\n}\n" + credential(first)
	}
	w.Run(
		providertest.Refused(by(false, "restricted"), "", "a restricted application credential, cannot be used to manage credentials"),
		w.Apply(at, providertest.Create, by(true, "unrestricted"), "user_id="+me.UserID),
	)
}

// TestAccImportedApplicationCredential: the secret of one that was imported is kept.
func TestAccImportedApplicationCredential(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	me := w.Client("demo")
	c, err := applicationcredentials.Create(t.Context(), me.Identity, me.UserID, applicationcredentials.CreateOpts{Name: "ci", Secret: "its own"}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	config := w.As("demo", credential(first)+"import {\nto = "+at+"\nid = \""+c.ID+"\"\n}\n")
	w.Run(
		w.Apply(at, providertest.Update, config, "id="+c.ID),
		resource.TestStep{Config: config, PlanOnly: true, PreConfig: func() {
			if _, err := openstack.AuthenticatedClient(t.Context(), gophercloud.AuthOptions{IdentityEndpoint: w.AuthURL(), ApplicationCredentialID: c.ID, ApplicationCredentialSecret: "its own"}); err != nil {
				t.Error(err)
			}
		}},
	)
}

func TestAccApplicationCredentialDataSource(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	find := func(body string) string {
		return w.As("demo", credential(first+rules)+"data \"cloudlet_application_credential\" \"f\" {\n"+body+"\n}\n")
	}
	w.Run(
		providertest.Refused(find(`name = "nothing"`), "", "has no application credential that is as configured"),
		providertest.Read("data.cloudlet_application_credential.f", find("name = "+at+".name"), "id=*", "access_rules.#=2", "unrestricted=false"),
	)
}
