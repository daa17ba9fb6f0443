package quota_test

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/quotasets"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	netquotas "github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/quotas"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

const project = `
resource "cloudlet_project" "p" {
  name = "team"
}
`

func quota(body string) string {
	return project + "resource \"cloudlet_quota\" \"q\" {\nproject_id = cloudlet_project.p.id\n" + body + "\n}\n"
}

func TestAccQuota(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	const at = "cloudlet_quota.q"
	c := w.Client("admin")
	config := func(body string) string { return w.As("admin", quota(body)) }
	changed := config("cores = 7\nnetworks = 3\nports = -1")
	w.Run(
		w.Apply(at, providertest.Create, config("cores = 5\nsubnets = 2"), "cores=5", "subnets=2", "instances=10", "networks=100", "project_id=*"),
		providertest.Import(at),
		providertest.Adopt(at),
		w.Apply(at, providertest.Update, changed, "cores=7", "networks=3", "ports=-1", "subnets=2"),
		providertest.After(func() {
			n := 9
			if err := quotasets.Update(t.Context(), c.Compute, w.ID(at), quotasets.UpdateOpts{Cores: &n}).Err; err != nil {
				t.Error(err)
			}
			if err := netquotas.Update(t.Context(), c.Network, w.ID(at), netquotas.UpdateOpts{Network: &n, Subnet: &n}).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, changed, "cores=7", "networks=3", "subnets=9")), // subnets are not managed
		providertest.After(func() {
			if err := quotasets.Delete(t.Context(), c.Compute, w.ID(at)).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply(at, providertest.Update, changed, "cores=7")),
		providertest.Read("data.cloudlet_quota.q", changed+"data \"cloudlet_quota\" \"q\" {\nproject_id = cloudlet_quota.q.project_id\n}\n", "cores=7", "networks=3", "used.instances=0", "used.networks=0"),
		w.Apply("cloudlet_project.p", providertest.Noop, w.As("admin", project)),
	)
	// Destroyed: the defaults apply again.
	if q, err := quotasets.Get(t.Context(), c.Compute, w.ID(at)).Extract(); err != nil || q.Cores != 20 {
		t.Errorf("%+v, %v", q, err)
	}
	if q, err := netquotas.Get(t.Context(), c.Network, w.ID(at)).Extract(); err != nil || q.Network != 100 || q.Subnet != 100 {
		t.Errorf("%+v, %v", q, err)
	}
}

// TestAccQuotaDisappears: with its project, the quota is gone.
func TestAccQuotaDisappears(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	config := w.As("admin", quota("cores = 5"))
	w.Run(
		w.Apply("cloudlet_project.p", providertest.Create, config),
		providertest.After(func() {
			if err := projects.Delete(t.Context(), w.Client("admin").Identity, w.ID("cloudlet_project.p")).Err; err != nil {
				t.Error(err)
			}
		}, w.Apply("cloudlet_quota.q", providertest.Create, config, "cores=5")),
	)
}

func TestAccQuotaRefused(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	given := func(user, body string) string {
		return w.As(user, "resource \"cloudlet_quota\" \"q\" {\n"+body+"\n}\n")
	}
	mine := w.Client("demo").Scope.ProjectID
	demo := "project_id = \"" + mine + "\"\n"
	used := "resource \"cloudlet_network\" \"n\" {\ncount = 2\nname = \"n\"\n}\n"
	w.Run(
		providertest.Refused(given("admin", demo+"cores = -2"), "cores", "must be between -1"),
		providertest.Refused(given("admin", demo+"cores = 5\nrouters = 3"), "routers", "Unrecognized attribute"),
		providertest.Refused(given("admin", `project_id = "nowhere"`), "project_id", "nowhere"),
		providertest.Refused(given("demo", demo+"cores = 5"), "", "The cloud would refuse this change"),
		providertest.Read("data.cloudlet_quota.mine", w.As("demo", used+"data \"cloudlet_quota\" \"mine\" {\ndepends_on = [cloudlet_network.n]\n}\n"), "cores=20", "used.networks=3", "project_id="+mine),
		providertest.Refused(w.As("demo", "data \"cloudlet_quota\" \"q\" {\nproject_id = \"nowhere\"\n}\n"), "project_id", "nowhere"),
	)
}
