package nova

import (
	"net/url"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
)

// A plan session sees what it made, with the same checks as an apply, and leaves
// nothing in the cloud.
func TestPlan(t *testing.T) {
	w := newWorld(t)
	old := w.running("ann", "old", "")
	w.write(quota("p1", compute.QuotaInstances, 3))
	before := w.revision()
	plan := func(at, method, path, body string) answer {
		return w.call(at, method, "/v2.1"+path, body, "Cloudlet-Plan", "p")
	}
	create := `{"server":{"name":"x","imageRef":"img","flavorRef":"1","networks":"auto","tags":["t"]}}`
	id := plan("ann@2.52", "POST", "/servers", create).want(202).text("server/id")
	plan("ann@2.52", "GET", "/servers/"+id, "").want(200).check(map[string]any{"server/status": "BUILD", "server/tags": []string{"t"}})
	plan("ann@2.52", "PUT", "/servers/"+id+"/tags/u", "").want(201)
	plan("ann", "POST", "/os-keypairs", `{"keypair":{"name":"k"}}`).want(200)
	port := plan("ann", "POST", "/servers/"+id+"/os-interface", `{"interfaceAttachment":{"net_id":"`+w.network+`"}}`).want(200).text("interfaceAttachment/port_id")
	plan("ann", "DELETE", "/servers/"+id+"/os-interface/"+port, "").want(202)
	plan("ann@2.52", "POST", "/servers", strings.Replace(create, `"flavorRef":"1"`, `"flavorRef":"none"`, 1)).fails(400, "/server/flavorRef", "none")
	plan("ann@2.52", "POST", "/servers", create).want(202)
	// The old one may go for it: a warning.
	a := plan("ann@2.52", "POST", "/servers", create).want(202)
	if warning := a.header.Get("Cloudlet-Plan-Warning"); !strings.Contains(warning, "1 of 3 are in use") {
		t.Errorf("warning %q", warning)
	}
	// But four are more than the quota whatever goes.
	plan("ann@2.52", "POST", "/servers", create).fails(403, "/server/flavorRef", "Quota exceeded for instances")
	plan("ann", "DELETE", "/servers/"+old, "").want(204)
	plan("ann", "GET", "/servers/"+old, "").fails(404, "", "")
	// What the plan has yet to make has an id that stands for it.
	plan("ann", "DELETE", "/servers/"+id, "").want(204)
	u := cloud.UnknownID
	plan("ann@2.37", "POST", "/servers", `{"server":{"name":"y","imageRef":"`+u+`","flavorRef":"`+u+`","networks":[{"port":"`+u+`"},{"uuid":"`+u+`"}]}}`).want(202)

	// Another session knows nothing of it.
	other := func(at, method, path, body string) answer {
		return w.call(at, method, "/v2.1"+path, body, "Cloudlet-Plan", "q")
	}
	other("ann", "PUT", "/servers/"+old, `{"server":{"name":"new"}}`).want(200)
	other("ann", "GET", "/servers/"+old, "").want(200).check(map[string]any{"server/name": "new"})
	other("ann", "GET", "/servers/"+id, "").fails(404, "", "")

	if w.revision() != before {
		t.Error("the plan changed the cloud")
	}
	w.call("ann", "GET", "/v2.1/servers/"+id, "").fails(404, "", "")
	w.get("ann", "/servers/"+old).check(map[string]any{"server/name": "old", "server/status": "ACTIVE"})
	w.call("ann", "GET", "/v2.1/os-keypairs/k", "").fails(404, "", "")
	w.post("ann@2.37", "/servers", `{"server":{"name":"y","imageRef":"img","flavorRef":"`+url.PathEscape(u)+`","networks":"none"}}`).fails(400, "/server/flavorRef", "")
}
