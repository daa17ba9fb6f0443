package keystone

import (
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/catalog"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/domains"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/endpoints"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/regions"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/services"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"
)

// must fails the test on an error: must(x.Extract())(t).
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func gopher(w *world, endpoint, user, secret string, scope *gophercloud.AuthScope) (*gophercloud.ServiceClient, error) {
	provider, err := openstack.AuthenticatedClient(w.Context(), gophercloud.AuthOptions{IdentityEndpoint: endpoint, Username: user, DomainName: "Default",
		Password: secret, Scope: scope, AllowReauth: true})
	if err != nil {
		return nil, err
	}
	return openstack.NewIdentityV3(provider, gophercloud.EndpointOpts{Region: "RegionOne"})
}

func TestGophercloudAuthenticates(t *testing.T) {
	w := newWorld(t)
	inProject := &gophercloud.AuthScope{ProjectName: "admin", DomainName: "Default"}
	for _, endpoint := range []string{"/", "/identity", "/identity/v3", "/identity/v3/"} {
		c := must(gopher(w, w.url+endpoint, "admin", password, inProject))(t)
		token := must(tokens.Get(t.Context(), c, c.Token()).ExtractProject())(t)
		if token.Name != "admin" || c.Endpoint != w.url+"/identity/v3/" {
			t.Errorf("%s: project %+v at %s", endpoint, token, c.Endpoint)
		}
	}
	for name, scope := range map[string]*gophercloud.AuthScope{"domain": {DomainName: "Default"}, "system": {System: true}} {
		if _, err := gopher(w, w.url+"/identity/v3", "admin", password, scope); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := gopher(w, w.url+"/identity/v3", "admin", "wrong", inProject); !gophercloud.ResponseCodeIs(err, http.StatusUnauthorized) {
		t.Errorf("wrong password: %v", err)
	}
}

func TestGophercloudPeople(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	c := must(gopher(w, w.url+"/identity", "admin", password, &gophercloud.AuthScope{ProjectName: "admin", DomainName: "Default"}))(t)
	yes, no, text := true, false, "changed"

	d := must(domains.Create(ctx, c, domains.CreateOpts{Name: "branch", Description: "d"}).Extract())(t)
	p := must(projects.Create(ctx, c, projects.CreateOpts{Name: "shop", DomainID: d.ID, IsDomain: &no, Tags: []string{"x"}, Enabled: &yes}).Extract())(t)
	p = must(projects.Update(ctx, c, p.ID, projects.UpdateOpts{Name: "store", Description: &text}).Extract())(t)
	if p.Name != "store" || p.Description != text || p.DomainID != d.ID || p.ParentID != d.ID || !slices.Equal(p.Tags, []string{"x"}) {
		t.Errorf("project %+v", p)
	}
	u := must(users.Create(ctx, c, users.CreateOpts{Name: "ann", DomainID: d.ID, DefaultProjectID: p.ID, Password: "one", Description: "d",
		Options: map[users.Option]any{users.IgnorePasswordExpiry: false}}).Extract())(t)
	if err := users.ChangePassword(ctx, c, u.ID, users.ChangePasswordOpts{OriginalPassword: "one", Password: "two"}).ExtractErr(); err != nil {
		t.Error(err)
	}
	u = must(users.Update(ctx, c, u.ID, users.UpdateOpts{Name: "anna", Enabled: &yes}).Extract())(t)
	if u.Name != "anna" || u.DefaultProjectID != p.ID || u.Description != "d" {
		t.Errorf("user %+v", u)
	}
	r := must(roles.Create(ctx, c, roles.CreateOpts{Name: "helper", Description: "d"}).Extract())(t)
	opts := roles.AssignOpts{UserID: u.ID, ProjectID: p.ID}
	if err := roles.Assign(ctx, c, r.ID, opts).ExtractErr(); err != nil {
		t.Error(err)
	}
	page := must(roles.ListAssignmentsOnResource(c, roles.ListAssignmentsOnResourceOpts{UserID: u.ID, ProjectID: p.ID}).AllPages(ctx))(t)
	if held := must(roles.ExtractRoles(page))(t); len(held) != 1 || held[0].ID != r.ID {
		t.Errorf("roles %+v", held)
	}
	page = must(users.ListProjects(c, u.ID).AllPages(ctx))(t)
	if reach := must(projects.ExtractProjects(page))(t); len(reach) != 1 || reach[0].ID != p.ID {
		t.Errorf("projects %+v", reach)
	}
	page = must(users.List(c, users.ListOpts{DomainID: d.ID, Filters: map[string]string{"name__contains": "nn"}}).AllPages(ctx))(t)
	if found := must(users.ExtractUsers(page))(t); len(found) != 1 || found[0].ID != u.ID {
		t.Errorf("users %+v", found)
	}
	if err := roles.Unassign(ctx, c, r.ID, roles.UnassignOpts{UserID: u.ID, ProjectID: p.ID}).ExtractErr(); err != nil {
		t.Error(err)
	}
	must(domains.Update(ctx, c, d.ID, domains.UpdateOpts{Enabled: &no}).Extract())(t)
	if err := domains.Delete(ctx, c, d.ID).ExtractErr(); err != nil {
		t.Error(err)
	}
	if _, err := users.Get(ctx, c, u.ID).Extract(); !gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		t.Errorf("a user outlives its domain: %v", err)
	}
	if err := roles.Delete(ctx, c, r.ID).ExtractErr(); err != nil {
		t.Error(err)
	}
}

func TestGophercloudGroups(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	c := must(gopher(w, w.url, "admin", password, &gophercloud.AuthScope{ProjectName: "admin", DomainName: "Default"}))(t)
	text := "changed"
	g := must(groups.Create(ctx, c, groups.CreateOpts{Name: "crew", Description: "d", Extra: map[string]any{"color": "red"}}).Extract())(t)
	g = must(groups.Update(ctx, c, g.ID, groups.UpdateOpts{Name: "team", Description: &text}).Extract())(t)
	if g.Name != "team" || g.Description != text || g.DomainID != "default" || g.Extra["color"] != "red" {
		t.Errorf("group %+v", g)
	}
	u := must(users.Create(ctx, c, users.CreateOpts{Name: "ann", Password: "one", Options: map[users.Option]any{"lock_password": true,
		users.MultiFactorAuthRules: [][]string{{"password", "totp"}}}, Extra: map[string]any{"shoe": 44}}).Extract())(t)
	if u.Extra["shoe"] != 44.0 || u.Options["lock_password"] != true {
		t.Errorf("user %+v", u)
	}
	for range 2 {
		if err := users.AddToGroup(ctx, c, g.ID, u.ID).ExtractErr(); err != nil {
			t.Error(err)
		}
	}
	if in := must(users.IsMemberOfGroup(ctx, c, g.ID, u.ID).Extract())(t); !in {
		t.Error("the user is not in the group")
	}
	page := must(users.ListInGroup(c, g.ID, users.ListOpts{Name: "ann"}).AllPages(ctx))(t)
	if found := must(users.ExtractUsers(page))(t); len(found) != 1 || found[0].ID != u.ID {
		t.Errorf("members %+v", found)
	}
	r := must(roles.Create(ctx, c, roles.CreateOpts{Name: "helper"}).Extract())(t)
	for _, opts := range []roles.AssignOpts{{GroupID: g.ID, DomainID: "default"}, {GroupID: g.ID, ProjectID: w.id(c.Token(), "projects", "demo")}} {
		if err := roles.Assign(ctx, c, r.ID, opts).ExtractErr(); err != nil {
			t.Error(err)
		}
		page := must(roles.ListAssignmentsOnResource(c, roles.ListAssignmentsOnResourceOpts{GroupID: g.ID, DomainID: opts.DomainID, ProjectID: opts.ProjectID}).AllPages(ctx))(t)
		if held := must(roles.ExtractRoles(page))(t); len(held) != 1 || held[0].ID != r.ID {
			t.Errorf("roles %+v", held)
		}
	}
	effective := true
	page = must(roles.ListAssignments(c, roles.ListAssignmentsOpts{UserID: u.ID, Effective: &effective}).AllPages(ctx))(t)
	if held := must(roles.ExtractRoleAssignments(page))(t); len(held) != 2 || held[0].User.ID != u.ID {
		t.Errorf("effective %+v", held)
	}
	page = must(users.ListGroups(c, u.ID).AllPages(ctx))(t)
	if in := must(groups.ExtractGroups(page))(t); len(in) != 1 || in[0].ID != g.ID {
		t.Errorf("groups %+v", in)
	}
	page = must(groups.List(c, groups.ListOpts{Filters: map[string]string{"name__startswith": "te"}}).AllPages(ctx))(t)
	if found := must(groups.ExtractGroups(page))(t); len(found) != 1 {
		t.Errorf("groups %+v", found)
	}
	if err := users.RemoveFromGroup(ctx, c, g.ID, u.ID).ExtractErr(); err != nil {
		t.Error(err)
	}
	if err := groups.Delete(ctx, c, g.ID).ExtractErr(); err != nil {
		t.Error(err)
	}
}

func TestGophercloudCatalog(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	c := must(gopher(w, w.url, "admin", password, &gophercloud.AuthScope{ProjectName: "admin", DomainName: "Default"}))(t)
	text := "changed"
	region := must(regions.Create(ctx, c, regions.CreateOpts{ID: "Two", ParentRegionID: "RegionOne"}).Extract())(t)
	region = must(regions.Update(ctx, c, region.ID, regions.UpdateOpts{Description: &text}).Extract())(t)
	if region.Description != text || region.ParentRegionID != "RegionOne" {
		t.Errorf("region %+v", region)
	}
	s := must(services.Create(ctx, c, services.CreateOpts{Type: "dns", Name: "designate", Description: "d"}).Extract())(t)
	s = must(services.Update(ctx, c, s.ID, services.UpdateOpts{Name: &text}).Extract())(t)
	e := must(endpoints.Create(ctx, c, endpoints.CreateOpts{Availability: gophercloud.AvailabilityPublic, Region: region.ID, URL: "/dns", ServiceID: s.ID, Name: "x", Description: "d"}).Extract())(t)
	e = must(endpoints.Update(ctx, c, e.ID, endpoints.UpdateOpts{URL: "/dns/v2"}).Extract())(t)
	if e.URL != w.url+"/dns/v2" || e.Region != "Two" || s.Name != text {
		t.Errorf("endpoint %+v of %+v", e, s)
	}
	page := must(catalog.List(c).AllPages(ctx))(t)
	if !slices.ContainsFunc(must(catalog.ExtractServiceCatalog(page))(t), func(x tokens.CatalogEntry) bool {
		return x.Type == "dns" && len(x.Endpoints) == 1 && x.Endpoints[0].URL == e.URL
	}) {
		t.Errorf("the catalog lacks the new service")
	}
	if err := regions.Delete(ctx, c, region.ID).ExtractErr(); !gophercloud.ResponseCodeIs(err, http.StatusForbidden) {
		t.Errorf("a region with endpoints: %v", err)
	}
	if err := services.Delete(ctx, c, s.ID).ExtractErr(); err != nil {
		t.Error(err)
	}
	if err := regions.Delete(ctx, c, region.ID).ExtractErr(); err != nil {
		t.Errorf("after its service: %v", err)
	}
}

// script is a session of the openstack command; beside each line, what the
// output must hold for it. "!" marks a command that the API must refuse.
var script = [][2]string{
	{"token issue -f value", "clt1."},
	{"catalog list -f value", "/compute/v2.1"},
	{"versions show -f value", "/identity/v3/"},
	{"project create --domain default --description text --tag red alpha -f value", "alpha"},
	{"project create --parent alpha beta -f value", "beta"},
	{"project create --or-show alpha -f value -c description", "text"},
	{"project set --name gamma --tag blue alpha", ""},
	{"project show --children gamma -f value -c subtree", "': None}"},
	{"project list --tags blue -f value -c Name", "gamma"},
	{"project list --long -f value", "gamma default text True"},
	{"user create --project gamma --password one --email a@example.com --enable bob -f value -c name", "bob"},
	{"user set --name bobby --email b@example.com --project demo --password two bob", ""},
	{"user show bobby -f value -c email", "b@example.com"},
	{"user list --long -f value", "b@example.com"},
	{"role create helper -f value -c name", "helper"},
	{"role set --description text helper", ""},
	{"role show helper -f value -c description", "text"},
	{"role add --user bobby --project gamma helper", ""},
	{"role add --user bobby --domain default reader", ""},
	{"role add --user bobby --system all reader", ""},
	{"role list -f value -c Name", "helper"},
	{"user list --project gamma -f value -c Name", "bobby"},
	{"project list --user bobby -f value -c Name", "gamma"},
	{"role assignment list --names --user bobby --project gamma -f value", "helper bobby@Default  gamma@Default   False"},
	{"role assignment list --names --effective --system all -f value", "admin admin@Default    all False"},
	{"implied role list -f value", "member"},
	{"role remove --user bobby --project gamma helper", ""},
	{"region create Two -f value -c region", "Two"},
	{"service create --name designate dns -f value -c name", "designate"},
	{"endpoint create --region Two designate public http://dns.example -f value -c url", "http://dns.example"},
	{"endpoint list --service designate -f value -c URL", "http://dns.example"},
	{"domain create branch -f value -c name", "branch"},
	{"domain set --disable branch", ""},
	{"domain delete branch", ""},
	{"project set --property color=red gamma", ""},
	{"project show gamma -f value -c color", "red"},
	{"project create --immutable keep -f value -c options", "{'immutable': True}"},
	{"!project set --name kept keep", "403"},
	{"project set --no-immutable keep", ""},
	{"project delete keep", ""},
	{"group create --domain default --description text team -f value -c name", "team"},
	{"group create --or-show team -f value -c description", "text"},
	{"group set --name crew team", ""},
	{"group add user crew bobby", ""},
	{"group contains user crew bobby", "bobby in group crew"},
	{"group list --user bobby -f value -c Name", "crew"},
	{"group list --long -f value", "crew default text"},
	{"user list --group crew -f value -c Name", "bobby"},
	{"role add --group crew --project gamma reader", ""},
	{"role add --group crew --domain default --inherited reader", ""},
	{"role add --group crew --system all reader", ""},
	{"role assignment list --names --group crew --project gamma -f value", "reader  crew@Default gamma@Default   False"},
	{"role assignment list --names --effective --user bobby --project gamma --role reader -f value", "reader bobby@Default  gamma@Default   False"},
	{"role remove --group crew --project gamma reader", ""},
	{"group remove user crew bobby", ""},
	{"group delete crew", ""},
	{"user set --ignore-lockout-failure-attempts --enable-lock-password bobby", ""},
	{"user show bobby -f value -c options", "{'ignore_lockout_failure_attempts': True, 'lock_password': True}"},
	{"role create --domain default local -f value -c name", "local"},
	{"implied role create member --implied-role helper -f value", ""},
	{"implied role delete member --implied-role helper", ""},
	{"role delete --domain default local", ""},
	{"!project create demo", "409"},
	{"service delete designate", ""},
	{"role delete helper", ""},
	{"user delete bobby", ""},
	{"project delete beta gamma", ""},
	{"user password set --original-password " + word + " --password three", ""},
}

// word is a password that the openstack command's prompt takes as one.
const word = "one-word"

func TestOpenStackCommand(t *testing.T) {
	tool, err := exec.LookPath("openstack")
	if err != nil {
		if os.Getenv("CLOUDLET_TEST_NOSKIP") == "1" {
			t.Fatal("the openstack command is needed: install python3-openstackclient")
		}
		t.Skip("SKIPPED: there is no openstack command to speak with; python3-openstackclient has it")
	}
	w := newWorld(t)
	admin := w.login("admin", "admin")
	w.call(admin, "PATCH /users/"+w.id(admin, "users", "admin"), `{"user":{"password":"`+word+`"}}`).must(200)
	var input strings.Builder
	refused := 0
	for _, line := range script {
		command, no := strings.CutPrefix(line[0], "!")
		input.WriteString(command + "\n")
		if no {
			refused++
		}
	}
	cmd := exec.CommandContext(t.Context(), tool)
	cmd.Stdin = strings.NewReader(input.String())
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "OS_AUTH_URL=" + w.url, "OS_USERNAME=admin", "OS_PASSWORD=" + word,
		"OS_PROJECT_NAME=admin", "OS_USER_DOMAIN_NAME=Default", "OS_PROJECT_DOMAIN_NAME=Default", "OS_IDENTITY_API_VERSION=3", "LANG=C.UTF-8"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("openstack: %v", err)
	}
	text := string(out)
	for _, line := range script {
		if !strings.Contains(text, line[1]) {
			t.Errorf("%s: there is no %q", line[0], line[1])
		}
	}
	if n := strings.Count(text, "(HTTP "); n != refused {
		t.Errorf("%d commands were refused, want %d", n, refused)
	}
	for _, complaint := range []string{"usage: ", "ailed to ", "is not an openstack command", "No user with", "No project with", "No role with", "Traceback"} {
		if strings.Contains(text, complaint) {
			t.Errorf("the command complains: %q", complaint)
		}
	}
	w.call("", "POST /auth/tokens", passwordAuth("admin", "three", projectNamed("admin"))).must(201)
	if t.Failed() {
		t.Log(text)
	}
}
