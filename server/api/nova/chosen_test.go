package nova

import "testing"

// A client may choose a server's id: what is asked for twice is made once.
func TestChosenID(t *testing.T) {
	w := newWorld(t)
	const id = "3f0c5a52-0000-4000-8000-000000000001"
	create := `{"server":{"name":"x","imageRef":"img","flavorRef":"1","networks":[{"uuid":"` + w.network + `"},{"uuid":"` + w.network + `"}]}}`
	made := w.call("ann@2.37", "POST", "/v2.1/servers", create, "Cloudlet-Id", id).want(202).text("server/id")
	if made != id {
		t.Errorf("made as %s", made)
	}
	for _, port := range w.get("ann", "/servers/"+id+"/os-interface").column("interfaceAttachments", "port_id") {
		if port == id {
			t.Error("a port has the server's id")
		}
	}
	w.call("ann@2.37", "POST", "/v2.1/servers", create, "Cloudlet-Id", id).fails(409, "", "in use already")
	w.call("bob@2.37", "POST", "/v2.1/servers", `{"server":{"name":"x","imageRef":"img","flavorRef":"1","networks":"none"}}`, "Cloudlet-Id", id).fails(409, "", "in use already")
	for _, bad := range []string{"x", "00000000-0000-0000-0000-000000000000", "3F0C5A52-0000-4000-8000-000000000001", id + "/.."} {
		w.call("ann@2.37", "POST", "/v2.1/servers", create, "Cloudlet-Id", bad).fails(400, "", "must be a UUID")
	}
}
