package nova

import (
	"slices"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/attachinterfaces"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/availabilityzones"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/hypervisors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/instanceactions"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/limits"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/quotasets"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/secgroups"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servergroups"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/services"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/tags"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/cloudlet/cloudlet/server/compute"
)

// client speaks to the API as gophercloud does, at a microversion.
func (w *world) client(token, version string) *gophercloud.ServiceClient {
	return &gophercloud.ServiceClient{ProviderClient: &gophercloud.ProviderClient{TokenID: token}, Endpoint: w.url + "/compute/v2.1/", Type: "compute", Microversion: version}
}

// ok returns a result, or ends the test.
func ok[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// pages reads a whole list.
func pages[T any](t *testing.T, p pagination.Pager, extract func(pagination.Page) ([]T, error)) []T {
	t.Helper()
	all := ok[pagination.Page](t)(p.AllPages(t.Context()))
	return ok[[]T](t)(extract(all))
}

var clientVersions = []string{"", "2.47", "2.79", "2.90"}

func TestGophercloudServers(t *testing.T) {
	for _, version := range clientVersions {
		t.Run("at "+version, func(t *testing.T) {
			w := newWorld(t)
			me, ctx := w.client("ann", version), t.Context()
			ok[*keypairs.KeyPair](t)(keypairs.Create(ctx, me, keypairs.CreateOpts{Name: "k", PublicKey: publicKey}).Extract())
			opts := servers.CreateOpts{Name: "web", ImageRef: "img", FlavorRef: "1", UserData: []byte("#!/bin/sh\n"), Metadata: map[string]string{"k": "v"},
				Networks: []servers.Network{{UUID: w.network, FixedIP: "10.1.0.5"}}, SecurityGroups: []string{"default"}, ConfigDrive: new(true), AvailabilityZone: "nova"}
			made := ok[*servers.Server](t)(servers.Create(ctx, me, keypairs.CreateOptsExt{CreateOptsBuilder: opts, KeyName: "k"}, servers.SchedulerHintOpts{DifferentHost: []string{"11111111-1111-4111-8111-111111111111"}}).Extract())
			if made.AdminPass == "" || made.ID == "" {
				t.Errorf("created %+v", made)
			}
			w.observe(made.ID, compute.Observed{Power: compute.Running})
			if err := servers.WaitForStatus(ctx, me, made.ID, "ACTIVE"); err != nil {
				t.Fatal(err)
			}
			s := ok[*servers.Server](t)(servers.Get(ctx, me, made.ID).Extract())
			if s.Name != "web" || s.TenantID != "p1" || s.UserID != "ann" || s.KeyName != "k" || s.Image["id"] != "img" || s.Metadata["k"] != "v" || s.Created.IsZero() ||
				s.LaunchedAt.IsZero() || !s.TerminatedAt.IsZero() || s.PowerState != servers.RUNNING || s.VmState != "active" || s.TaskState != "" || !s.ConfigDrive ||
				s.AvailabilityZone != "nova" || len(s.SecurityGroups) != 1 || s.HostID == "" || s.Progress != 100 || len(s.AttachedVolumes) != 0 {
				t.Errorf("got %+v", s)
			}
			as := ok[map[string][]servers.Address](t)(servers.ExtractAddresses(ok[pagination.Page](t)(servers.ListAddresses(me, made.ID).AllPages(ctx))))
			if len(as["net"]) != 1 || as["net"][0].Address != "10.1.0.5" {
				t.Errorf("addresses %v", as)
			}
			if l := pages(t, servers.List(me, servers.ListOpts{Name: "web", Limit: 1}), servers.ExtractServers); len(l) != 1 || l[0].ID != made.ID {
				t.Errorf("list %+v", l)
			}
			s = ok[*servers.Server](t)(servers.Update(ctx, me, made.ID, servers.UpdateOpts{Name: "new"}).Extract())
			if s.Name != "new" {
				t.Errorf("updated %+v", s)
			}
			ok[map[string]string](t)(servers.UpdateMetadata(ctx, me, made.ID, servers.MetadataOpts{"a": "b"}).Extract())
			ok[map[string]string](t)(servers.ResetMetadata(ctx, me, made.ID, servers.MetadataOpts{"c": "d"}).Extract())
			ok[map[string]string](t)(servers.CreateMetadatum(ctx, me, made.ID, servers.MetadatumOpts{"e": "f"}).Extract())
			if m := ok[map[string]string](t)(servers.Metadata(ctx, me, made.ID).Extract()); len(m) != 2 {
				t.Errorf("metadata %v", m)
			}
			for what, err := range map[string]error{
				"delete metadata": servers.DeleteMetadatum(ctx, me, made.ID, "e").ExtractErr(),
				"reboot":          servers.Reboot(ctx, me, made.ID, servers.RebootOpts{Type: servers.HardReboot}).ExtractErr(),
				"lock":            servers.Lock(ctx, me, made.ID).ExtractErr(),
				"unlock":          servers.Unlock(ctx, me, made.ID).ExtractErr(),
				"add group":       secgroups.AddServer(ctx, me, made.ID, "default").ExtractErr(),
				"remove group":    secgroups.RemoveServer(ctx, me, made.ID, "default").ExtractErr(),
			} {
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			w.console.out = []byte("login: ")
			if out := ok[string](t)(servers.ShowConsoleOutput(ctx, me, made.ID, servers.ShowConsoleOutputOpts{Length: 5}).Extract()); out != "login: " {
				t.Errorf("console %q", out)
			}
			w.observe(made.ID, compute.Observed{Power: compute.Running})
			a := ok[*attachinterfaces.Interface](t)(attachinterfaces.Create(ctx, me, made.ID, attachinterfaces.CreateOpts{NetworkID: w.network}).Extract())
			if l := pages(t, attachinterfaces.List(me, made.ID), attachinterfaces.ExtractInterfaces); len(l) != 2 || l[1].PortID != a.PortID {
				t.Errorf("interfaces %+v", l)
			}
			if err := attachinterfaces.Delete(ctx, me, made.ID, a.PortID).ExtractErr(); err != nil {
				t.Error(err)
			}
			if err := servers.Stop(ctx, me, made.ID).ExtractErr(); err != nil {
				t.Error(err)
			}
			acts := pages(t, instanceactions.List(me, made.ID, nil), instanceactions.ExtractInstanceActions)
			if acts[0].Action != "stop" || acts[0].StartTime.IsZero() {
				t.Errorf("actions %+v", acts)
			}
			d := ok[instanceactions.InstanceActionDetail](t)(instanceactions.Get(ctx, w.client("admin", version), made.ID, acts[len(acts)-1].RequestID).Extract())
			if d.Action != "create" || (*d.Events)[0].Result != "Success" {
				t.Errorf("action %+v", d)
			}
			if err := servers.Delete(ctx, me, made.ID).ExtractErr(); err != nil {
				t.Error(err)
			}
			w.observe(made.ID, compute.Observed{Gone: true})
			if _, err := servers.Get(ctx, me, made.ID).Extract(); !gophercloud.ResponseCodeIs(err, 404) {
				t.Errorf("after the delete: %v", err)
			}
		})
	}
}

func TestGophercloudRest(t *testing.T) {
	for _, version := range clientVersions {
		t.Run("at "+version, func(t *testing.T) {
			w := newWorld(t)
			me, admin, ctx := w.client("ann", version), w.client("admin", version), t.Context()
			id := w.server("ann@2.37", "x", `"networks":"none"`)

			f := ok[*flavors.Flavor](t)(flavors.Create(ctx, admin, flavors.CreateOpts{Name: "f", RAM: 64, VCPUs: 1, Disk: new(1), Swap: new(32), IsPublic: new(false)}).Extract())
			if f.Swap != 32 || f.IsPublic || f.RxTxFactor != 1 {
				t.Errorf("flavor %+v", f)
			}
			ok[map[string]string](t)(flavors.CreateExtraSpecs(ctx, admin, f.ID, flavors.ExtraSpecsOpts{"hw:a": "b"}).Extract())
			ok[[]flavors.FlavorAccess](t)(flavors.AddAccess(ctx, admin, f.ID, flavors.AddAccessOpts{Tenant: "p1"}).Extract())
			if l := pages(t, flavors.ListDetail(me, flavors.ListOpts{Limit: 2}), flavors.ExtractFlavors); len(l) != 6 {
				t.Errorf("%d flavors", len(l))
			}
			if k := ok[*keypairs.KeyPair](t)(keypairs.Create(ctx, me, keypairs.CreateOpts{Name: "g"}).Extract()); k.PrivateKey == "" || k.UserID != "ann" {
				t.Errorf("keypair %+v", k)
			}
			if l := pages(t, keypairs.List(me, nil), keypairs.ExtractKeyPairs); len(l) != 1 {
				t.Errorf("keypairs %+v", l)
			}
			hs := pages(t, hypervisors.List(admin, nil), hypervisors.ExtractHypervisors)
			if len(hs) != 2 || hs[0].HypervisorType != "QEMU" || hs[0].Service.Host != "h1" || hs[0].HypervisorVersion != 9000003 {
				t.Errorf("hypervisors %+v", hs)
			}
			ok[*hypervisors.Hypervisor](t)(hypervisors.Get(ctx, admin, hs[0].ID).Extract())
			if l := pages(t, services.List(admin, nil), services.ExtractServices); len(l) != 2 || l[0].Binary != "nova-compute" || l[0].State != "up" || l[0].UpdatedAt.IsZero() {
				t.Errorf("services %+v", l)
			}
			if l := ok[*limits.Limits](t)(limits.Get(ctx, me, nil).Extract()); l.Absolute.MaxTotalInstances != 10 || l.Absolute.TotalInstancesUsed != 1 {
				t.Errorf("limits %+v", l)
			}
			if q := ok[*quotasets.QuotaSet](t)(quotasets.Update(ctx, admin, "p1", quotasets.UpdateOpts{Cores: new(9)}).Extract()); q.Cores != 9 || q.Instances != 10 {
				t.Errorf("quota %+v", q)
			}
			if q := ok[quotasets.QuotaDetailSet](t)(quotasets.GetDetail(ctx, me, "p1").Extract()); q.Cores.InUse != 1 || q.Cores.Limit != 9 {
				t.Errorf("quota %+v", q)
			}
			zs := pages(t, availabilityzones.ListDetail(admin), availabilityzones.ExtractAvailabilityZones)
			if len(zs) != 1 || zs[0].ZoneName != "nova" || !zs[0].ZoneState.Available || !zs[0].Hosts["h1"]["nova-compute"].Active {
				t.Errorf("zones %+v", zs)
			}
			policy := servergroups.CreateOpts{Name: "g", Policies: []string{"affinity"}}
			if slices.Contains([]string{"2.79", "2.90"}, version) {
				policy = servergroups.CreateOpts{Name: "g", Policy: "anti-affinity", Rules: &servergroups.Rules{MaxServerPerHost: 2}}
			}
			g := ok[*servergroups.ServerGroup](t)(servergroups.Create(ctx, me, policy).Extract())
			if l := pages(t, servergroups.List(me, nil), servergroups.ExtractServerGroups); len(l) != 1 || l[0].ID != g.ID {
				t.Errorf("groups %+v", l)
			}
			if version == "" {
				return
			}
			if l := ok[[]string](t)(tags.ReplaceAll(ctx, me, id, tags.ReplaceAllOpts{Tags: []string{"b", "a"}}).Extract()); !slices.Equal(l, []string{"a", "b"}) {
				t.Errorf("tags %v", l)
			}
			if err := tags.Add(ctx, me, id, "c").ExtractErr(); err != nil {
				t.Error(err)
			}
			if there := ok[bool](t)(tags.Check(ctx, me, id, "c").Extract()); !there {
				t.Error("no tag c")
			}
		})
	}
}
