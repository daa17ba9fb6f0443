package identity_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// everything is one of each resource of the identity API.
const everything = `
resource "cloudlet_domain" "d" {
  name = "NAME"
}
resource "cloudlet_project" "p" {
  name      = "NAME"
  domain_id = cloudlet_domain.d.id
}
resource "cloudlet_user" "u" {
  name                = "NAME"
  domain_id           = cloudlet_domain.d.id
  password_wo         = "a password"
  password_wo_version = VERSION
}
resource "cloudlet_group" "g" {
  name      = "NAME"
  domain_id = cloudlet_domain.d.id
}
resource "cloudlet_group_membership" "m" {
  group_id = cloudlet_group.g.id
  user_id  = cloudlet_user.u.id
}
resource "cloudlet_role" "r" {
  name = "NAME"
}
resource "cloudlet_role_assignment" "a" {
  role_id    = cloudlet_role.r.id
  group_id   = cloudlet_group.g.id
  project_id = cloudlet_project.p.id
}
resource "cloudlet_region" "named" {
  id = "lost"
}
resource "cloudlet_region" "unnamed" {
  description = "lost"
}
resource "cloudlet_service" "s" {
  name = "NAME"
  type = "lost"
}
resource "cloudlet_endpoint" "e" {
  service_id = cloudlet_service.s.id
  region_id  = cloudlet_region.named.id
  interface  = "public"
  url        = "http://192.0.2.1/"
}
resource "cloudlet_registered_limit" "l" {
  service_id    = cloudlet_service.s.id
  resource_name = "lost"
  default_limit = 1
}
resource "cloudlet_limit" "l" {
  project_id     = cloudlet_project.p.id
  service_id     = cloudlet_registered_limit.l.service_id
  resource_name  = cloudlet_registered_limit.l.resource_name
  resource_limit = 2
}
resource "cloudlet_application_credential" "c" {
  name              = "lost"
  secret_wo         = "a secret"
  secret_wo_version = 1
  roles             = ["reader"]
}
`

// creates is how often everything says POST or PUT, updates how often PATCH when
// NAME and VERSION change.
const creates, updates = 14, 6

// losing is a way to the cloud that loses the answer of each change, as often as
// lose says, before the cloud has seen it or after: 'b' or 'a'.
type losing struct {
	to   *httputil.ReverseProxy
	lose string

	mu   sync.Mutex
	seen map[string]int
	lost int
}

func (l *losing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fate := byte(0)
	changes := r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/auth/tokens")
	if changes && r.Header.Get("Cloudlet-Plan") == "" {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		what := r.Method + " " + r.URL.Path + " " + r.Header.Get("Cloudlet-Id") + string(body)
		l.mu.Lock()
		if n := l.seen[what]; n < len(l.lose) {
			fate = l.lose[n]
			l.lost++
		}
		l.seen[what]++
		l.mu.Unlock()
	}
	switch fate {
	case 0:
		l.to.ServeHTTP(w, r)
		return
	case 'a':
		l.to.ServeHTTP(httptest.NewRecorder(), r)
	}
	panic(http.ErrAbortHandler) // the connection ends
}

// TestAccLostAnswers: a change whose answer is lost is done once, whether or not
// the cloud had done it.
func TestAccLostAnswers(t *testing.T) {
	for _, lose := range []string{"a", "b", "ba"} {
		t.Run(lose, func(t *testing.T) {
			w := providertest.Start(t, cloudtest.Options{Hosts: 1})
			l := &losing{lose: lose, seen: map[string]int{}}
			lossy := w.Behind(t, func(p *httputil.ReverseProxy) http.Handler { l.to = p; return l })
			config := func(name, version string) string {
				return strings.NewReplacer(w.URL, lossy, "NAME", name, "VERSION", version).Replace(w.As("admin", everything))
			}
			w.Run(
				w.Apply("cloudlet_limit.l", providertest.Create, config("lost", "1")),
				resource.TestStep{Config: config("lost", "1"), PlanOnly: true, PreConfig: func() {
					if l.lost != creates*len(lose) {
						t.Errorf("%d answers were lost, %d expected", l.lost, creates*len(lose))
					}
					me := w.Client("admin")
					for plural, query := range map[string]string{"domains": "name=lost", "projects": "name=lost", "users": "name=lost", "groups": "name=lost", "roles": "name=lost", "services": "type=lost",
						"registered_limits": "resource_name=lost", "limits": "resource_name=lost", "users/" + me.UserID + "/application_credentials": "name=lost"} {
						count(t, me, plural, query, 1)
					}
					count(t, me, "regions", "", 3) // and RegionOne
					count(t, me, "endpoints", "region_id=lost", 1)
					l.lost = 0
				}},
				w.Apply("cloudlet_user.u", providertest.Update, config("found", "2"), "name=found", "password_wo_version=2"),
				resource.TestStep{Config: config("found", "2"), PlanOnly: true, PreConfig: func() {
					if l.lost != updates*len(lose) {
						t.Errorf("%d answers were lost, %d expected", l.lost, updates*len(lose))
					}
				}},
			)
		})
	}
}

// count holds the number of things that a list has against what is wanted.
func count(t *testing.T, c *client.Client, at, query string, want int) {
	t.Helper()
	var page map[string]any
	resp, err := c.Identity.Get(t.Context(), fmt.Sprintf("%s?%s", c.Identity.ServiceURL(at), query), &page, nil)
	if _, _, err = gophercloud.ParseResponse(resp, err); err != nil {
		t.Fatal(err)
	}
	if all, _ := page[at[strings.LastIndexByte(at, '/')+1:]].([]any); len(all) != want {
		t.Errorf("%d of %s?%s, want %d", len(all), at, query, want)
	}
}
