package provider_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/domains"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// TestAccTeam applies the example of a team as it stands and finds that its
// people, roles and limits are real; then the team changes, and goes.
func TestAccTeam(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	c := newCLI(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../examples/team")); err != nil {
		t.Fatal(err)
	}
	c.env = slices.Concat(c.env, []string{"TF_ACC=", "OS_CLIENT_CONFIG_FILE=" + w.CloudsFile(t), "OS_CLOUD=admin",
		"TF_VAR_monitoring_secret=a long random text", `TF_VAR_passwords={"ann":"ann's","bob":"bob's","eve":"eve's"}`})
	apply := func() {
		t.Helper()
		c.run(dir, "terraform", "apply", "-no-color", "-auto-approve")
		c.run(dir, "terraform", "plan", "-no-color", "-detailed-exitcode") // 2 if there is more to do
	}
	works := func(name, project string, want bool) *gophercloud.ProviderClient {
		t.Helper()
		p, err := openstack.AuthenticatedClient(t.Context(), gophercloud.AuthOptions{IdentityEndpoint: w.AuthURL(), Username: name, DomainName: "blue", Password: name + "'s",
			Scope: &gophercloud.AuthScope{ProjectName: project, DomainName: "blue"}})
		if (err == nil) != want {
			t.Errorf("%s works in %s: %v, want %v", name, project, err == nil, want)
		}
		return p
	}

	apply()
	works("ann", "lab", true)
	works("ann", "shop", false)
	works("eve", "shop", true)
	glance, err := openstack.NewImageV2(works("bob", "shop", true), gophercloud.EndpointOpts{Region: "RegionOne"})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 6 {
		_, err := images.Create(t.Context(), glance, images.CreateOpts{Name: "i"}).Extract()
		if full := gophercloud.ResponseCodeIs(err, 413); full != (n == 5) || err != nil && !full {
			t.Errorf("image %d of 5: %v", n+1, err)
		}
	}

	c.write(dir, "zz.auto.tfvars", `
people = {
  bob = { email = "bob@example.org", groups = ["operators"] }
  eve = { email = "eve@example.org", groups = ["auditors", "developers"] }
}
monitoring_version = 2
`)
	plan := c.run(dir, "terraform", "plan", "-no-color")
	for _, want := range []string{`cloudlet_user.person["ann"] will be destroyed`, "cloudlet_application_credential.monitoring must be replaced", "+/- create replacement and then destroy"} {
		if !strings.Contains(plan, want) {
			t.Errorf("%q is not in the plan:\n%s", want, plan)
		}
	}
	apply()
	works("ann", "lab", false)
	works("bob", "lab", true)
	works("eve", "lab", true)

	c.run(dir, "terraform", "destroy", "-no-color", "-auto-approve")
	pages, err := domains.List(w.Client("admin").Identity, domains.ListOpts{Name: "blue"}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left, err := domains.ExtractDomains(pages); err != nil || len(left) > 0 {
		t.Errorf("left after destroy: %v, %v", left, err)
	}
}
