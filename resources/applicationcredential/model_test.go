package applicationcredential

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cloudlet/cloudlet/provider/managed"
)

// The API's times come out as they are configured.
func TestExpiry(t *testing.T) {
	for stamp, want := range map[string]types.String{
		"":                           types.StringNull(),
		"2027-01-31T00:00:00.000000": types.StringValue("2027-01-31T00:00:00Z"),
		"2027-01-31T00:00:00":        types.StringValue("2027-01-31T00:00:00Z"),
		"2027-01-31T01:00:00+01:00":  types.StringValue("2027-01-31T00:00:00Z"),
		"some day":                   types.StringValue("some day"),
	} {
		if got := expiry(stamp); !got.Equal(want) {
			t.Errorf("%q came out as %s, want %s", stamp, got, want)
		}
	}
}

// That all calls are allowed, and that none are, are different things.
func TestAccessRules(t *testing.T) {
	for _, x := range []struct {
		rules []ruleWire
		null  bool
		n     int
	}{{nil, true, 0}, {[]ruleWire{}, false, 0}, {[]ruleWire{{ID: "1", Service: "compute", Method: "GET", Path: "/"}}, false, 1}} {
		var c credential
		var diags diag.Diagnostics
		c.Fill(t.Context(), wire{AccessRules: x.rules}, &diags)
		if diags.HasError() || c.AccessRules.IsNull() != x.null || len(c.AccessRules.Elements()) != x.n {
			t.Errorf("%v came out as %s: %v", x.rules, c.AccessRules, diags)
		}
	}
}

// The secret is sent once, when the credential is made, and if it is known.
func TestSecret(t *testing.T) {
	given := model{SecretWO: types.StringValue("s")}
	for _, x := range []struct {
		c    managed.Change[model]
		sent bool
	}{{managed.Change[model]{Config: given}, true}, {managed.Change[model]{Config: model{SecretWO: types.StringUnknown()}}, false}, {managed.Change[model]{Config: given, State: &model{}}, false}} {
		if got := secret(x.c)["secret"]; (got == "s") != x.sent || !x.sent && got != nil {
			t.Errorf("sent %v, want %v", got, x.sent)
		}
	}
}
