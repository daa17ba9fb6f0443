package provider_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// unlucky is a cloud that says of its servers that they could not be built, while
// bad is set.
func unlucky(t *testing.T, w *providertest.World, bad *atomic.Bool) string {
	t.Helper()
	return w.Behind(t, func(p *httputil.ReverseProxy) http.Handler {
		p.ModifyResponse = func(r *http.Response) error {
			if !bad.Load() || r.Request.Method != http.MethodGet || !strings.Contains(r.Request.URL.Path, "/servers/") {
				return nil
			}
			b, err := io.ReadAll(r.Body)
			b = regexp.MustCompile(`"OS-EXT-STS:task_state":("\w+"|null)`).ReplaceAll(b, []byte(`"OS-EXT-STS:task_state":null`))
			b = regexp.MustCompile(`"status":"\w+"`).ReplaceAll(b, []byte(`"status":"ERROR","fault":{"code":500,"message":"The disk is on fire."}`))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
			r.Header.Del("Content-Length")
			return err
		}
		return p
	})
}

// TestAccInstanceThatFails: an instance that was taken on and not built is in the
// state, so that the next apply replaces it and leaves none.
func TestAccInstanceThatFails(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1, CheckLeaks: true})
	var bad atomic.Bool
	config := strings.ReplaceAll(w.ProviderConfig("demo"), w.URL, unlucky(t, w, &bad)) + `
resource "cloudlet_image" "i" {
  name        = "img"
  source_file = "` + providertest.QCOW2(t, 1) + `"
}
resource "cloudlet_instance" "i" {
  name      = "i"
  image_id  = cloudlet_image.i.id
  flavor_id = "1"
  networks  = []
}
`
	step := w.Apply("cloudlet_instance.i", providertest.Replace, config, "power_state=active")
	step.PreConfig = func() { bad.Store(false) }
	w.Run(
		resource.TestStep{Config: config, PreConfig: func() { bad.Store(true) }, ExpectError: regexp.MustCompile(providertest.Words("The instance was not built") + "(?s).*" + providertest.Words("The disk is on fire."))},
		step,
		resource.TestStep{Config: config, PlanOnly: true, PreConfig: func() {
			pages, err := servers.List(w.Client("demo").Compute, nil).AllPages(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if all, err := servers.ExtractServers(pages); err != nil || len(all) != 1 {
				t.Errorf("%d servers, %v", len(all), err)
			}
		}},
	)
}
