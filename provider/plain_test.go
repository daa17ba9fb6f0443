package provider_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// plain is a cloud behind something that knows nothing of Cloudlet's extensions:
// for the provider any OpenStack.
func plain(t *testing.T, w *providertest.World) string {
	t.Helper()
	to, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
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
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host // the catalog tells this address
			if strings.HasPrefix(r.Out.Header.Get("Cloudlet-Plan"), "tf-") {
				t.Errorf("%s %s of a plan is sent to a cloud that knows no plan sessions", r.In.Method, r.In.URL)
			}
			strip(r.Out.Header)
		},
		ModifyResponse: func(r *http.Response) error { strip(r.Header); return nil },
	})
	t.Cleanup(proxy.Close)
	return proxy.URL
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
