package provider_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// plain is a cloud behind something that knows nothing of Cloudlet's extensions:
// for the provider any OpenStack.
func plain(t *testing.T, w *providertest.World) string {
	t.Helper()
	strip := func(h http.Header) {
		for name := range h {
			if strings.HasPrefix(name, "Cloudlet-") {
				h.Del(name)
			}
		}
		h.Del("Prefer")
		h.Del("If-None-Match")
		h.Del("Etag")
	}
	return w.Behind(t, func(p *httputil.ReverseProxy) http.Handler {
		pass := p.Rewrite
		p.Rewrite = func(r *httputil.ProxyRequest) {
			pass(r)
			if strings.HasPrefix(r.Out.Header.Get("Cloudlet-Plan"), "tf-") {
				t.Errorf("%s %s of a plan is sent to a cloud that knows no plan sessions", r.In.Method, r.In.URL)
			}
			strip(r.Out.Header)
		}
		p.ModifyResponse = func(r *http.Response) error { strip(r.Header); return nil }
		return p
	})
}

// TestAccPlainOpenStack: without the extensions everything works, only that plans
// are not checked and waits poll.
func TestAccPlainOpenStack(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	image := providertest.QCOW2(t, 1)
	block := strings.ReplaceAll(w.ProviderConfig("demo"), w.URL, plain(t, w))
	const at = "cloudlet_instance.i"
	config := func(body string) string {
		return block + `
resource "cloudlet_image" "i" {
  name        = "img"
  source_file = "` + image + `"
}
resource "cloudlet_network" "n" {
  name = "net"
}
resource "cloudlet_subnet" "s" {
  name       = "sub"
  network_id = cloudlet_network.n.id
  cidr       = "10.1.0.0/24"
}
resource "cloudlet_security_group" "g" {
  name  = "group"
  rules = [{ direction = "ingress", protocol = "tcp", port_min = 22 }]
}
resource "cloudlet_instance" "i" {
  image_id    = cloudlet_image.i.id
  flavor_name = "m1.tiny"
` + body + "\n}\n"
	}
	const card = "networks = [{ network_id = cloudlet_subnet.s.network_id }]\n"
	w.Run(
		w.Apply(at, providertest.Create, config(card+"name = \"one\"\nuser_data = \"#!one\"\nscheduler_hints = { different_host_ids = [\"3f0c5a52-0000-4000-8000-000000000001\"] }"),
			"networks.#=1", "ipv4_address=*", "flavor_id=*", "security_group_ids.#=1", "user_data=#!one", "availability_zone=nova"),
		w.Apply(at, providertest.Replace, config(card+"name = \"one\"\nsecurity_group_ids = [cloudlet_security_group.g.id]"), "security_group_ids.#=1"),
		providertest.Import(at),
		w.Apply(at, providertest.Update, config("networks = [{ network_id = cloudlet_subnet.s.network_id }, { network_id = cloudlet_subnet.s.network_id }]\nname = \"two\"\nsecurity_group_ids = [cloudlet_security_group.g.id]\ntags = [\"a\"]"), "name=two", "networks.#=2", "tags.#=1"),
	)
}

// TestAccPlainImages: images come from URLs and from each other, projects get quotas,
// and tokens are given, without the extensions.
func TestAccPlainImages(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: -1, FetchAllow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/none" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte("the bytes"))
	}))
	t.Cleanup(web.Close)
	block := strings.ReplaceAll(w.ProviderConfig("admin"), w.URL, plain(t, w))
	config := func(path, body string) string {
		return block + `
resource "cloudlet_image" "i" {
  name        = "i"
  source_url  = "` + web.URL + path + `"
  disk_format = "raw"
` + body + `
}
resource "cloudlet_image" "copy" {
  name            = "copy"
  source_image_id = cloudlet_image.i.id
}
resource "cloudlet_quota" "q" {
  project_id = "` + w.Client("demo").Scope.ProjectID + `"
  cores      = 3
  networks   = 3
}
ephemeral "cloudlet_token" "t" {
  project_name = "demo"
}
`
	}
	refused := providertest.Refused(config("/none", ""), "source_url", "its server answers 404")
	refused.PlanOnly = false
	inward := strings.ReplaceAll(config("/a", ""), web.URL, "http://10.0.0.1")
	late := providertest.Refused(inward, "source_url", "not public")
	late.PlanOnly = false // no plan session tells it
	w.Run(
		refused,
		late,
		w.Apply("cloudlet_image.copy", providertest.Create, config("/a", ""), "size=9", "disk_format=raw"),
		w.Apply("cloudlet_image.i", providertest.Update, config("/a", "visibility = \"shared\"\nmembers = [\"p\"]"), "members.#=1"),
		w.Apply("cloudlet_quota.q", providertest.Noop, config("/a", "visibility = \"shared\"\nmembers = [\"p\"]"), "cores=3", "networks=3"),
	)
}

// TestAccPlainIdentity: who there is and who may do what is managed without the
// extensions too; the cloud chooses the ids.
func TestAccPlainIdentity(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: -1})
	block := strings.ReplaceAll(w.ProviderConfig("admin"), w.URL, plain(t, w))
	config := func(name, max string) string {
		return block + `
resource "cloudlet_domain" "d" {
  name = "` + name + `"
}
resource "cloudlet_project" "p" {
  name      = "` + name + `"
  domain_id = cloudlet_domain.d.id
}
resource "cloudlet_group" "g" {
  name      = "` + name + `"
  domain_id = cloudlet_domain.d.id
}
resource "cloudlet_role" "r" {
  name = "` + name + `"
}
resource "cloudlet_role_assignment" "a" {
  role_id    = cloudlet_role.r.id
  group_id   = cloudlet_group.g.id
  project_id = cloudlet_project.p.id
}
resource "cloudlet_service" "s" {
  name = "` + name + `"
  type = "counted"
}
resource "cloudlet_registered_limit" "l" {
  service_id    = cloudlet_service.s.id
  resource_name = "things"
  default_limit = 1
}
resource "cloudlet_limit" "l" {
  project_id     = cloudlet_project.p.id
  service_id     = cloudlet_registered_limit.l.service_id
  resource_name  = cloudlet_registered_limit.l.resource_name
  resource_limit = ` + max + `
}
resource "cloudlet_application_credential" "c" {
  name              = "` + name + `"
  secret_wo         = "a secret"
  secret_wo_version = 1
}
data "cloudlet_auth_scope" "me" {}
`
	}
	w.Run(
		w.Apply("cloudlet_limit.l", providertest.Create, config("one", "2"), "resource_limit=2"),
		providertest.Import("cloudlet_limit.l"),
		providertest.Import("cloudlet_role_assignment.a"),
		w.Apply("cloudlet_limit.l", providertest.Update, config("two", "3"), "resource_limit=3"),
	)
}
