package quota

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// TestSetPutsBack: what the network API was told is taken back if the compute API
// refuses.
func TestSetPutsBack(t *testing.T) {
	var calls []string
	cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		calls = append(calls, r.Method+" "+r.URL.Path+" "+string(body))
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/os-quota-sets/p":
			w.WriteHeader(http.StatusBadRequest)
		case r.Method == http.MethodGet:
			fmt.Fprint(w, `{"quota":{"network":4,"port":9,"id":"p"}}`)
		}
	}))
	defer cloud.Close()
	s := &gophercloud.ServiceClient{ProviderClient: &gophercloud.ProviderClient{HTTPClient: *cloud.Client()}, Endpoint: cloud.URL + "/"}
	err := services{s, s, s}.set(t.Context(), "p", map[string]any{"cores": 1}, map[string]any{"network": 5})
	want := []string{"GET /quotas/p ", `PUT /quotas/p {"quota":{"network":5}}`, `PUT /os-quota-sets/p {"quota_set":{"cores":1}}`, `PUT /quotas/p {"quota":{"network":4}}`}
	if !gophercloud.ResponseCodeIs(err, http.StatusBadRequest) || !slices.Equal(calls, want) {
		t.Errorf("%v\n%q", err, calls)
	}
}

func TestGiven(t *testing.T) {
	was := limits{Cores: types.Int64Value(1), RAM: types.Int64Value(2), Networks: types.Int64Value(3)}
	is := limits{Cores: types.Int64Value(1), RAM: types.Int64Value(5), Instances: types.Int64Unknown()}
	if got := given(is.compute(), was.compute()); len(got) != 1 || got["ram"] != int64(5) {
		t.Errorf("%v", got)
	}
	if got := given(is.compute(), nil); len(got) != 2 {
		t.Errorf("%v", got)
	}
	tell(was.network(), map[string]int64{"port": 7})
	if !was.Networks.IsNull() || was.Ports.ValueInt64() != 7 || was.Cores.ValueInt64() != 1 {
		t.Errorf("%+v", was)
	}
}
