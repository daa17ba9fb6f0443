package token_test

import (
	"errors"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// TestAccToken: the scopes of a token, as told to a provider that keeps what it is
// configured with.
func TestAccToken(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: -1})
	admin, demo := w.Client("admin"), w.Client("demo")
	token := func(user, body string) string {
		return w.As(user, "ephemeral \"cloudlet_token\" \"t\" {\n"+body+"\n}\nprovider \"echo\" {\ndata = ephemeral.cloudlet_token.t\n}\n")
	}
	echo := func(n, config string, want ...string) resource.TestStep { // a new resource each time: echo's never change
		return providertest.Read("echo.e"+n, config+"resource \"echo\" \"e"+n+"\" {}\n", want...)
	}
	w.Run(
		echo("1", token("demo", ""), "data.token=*", "data.expires_at=*", "data.project_id="+demo.Scope.ProjectID, "data.project_name=demo", "data.user_id="+demo.UserID),
		echo("2", token("admin", `project_id = "`+demo.Scope.ProjectID+`"`), "data.project_name=demo", "data.user_id="+admin.UserID),
		echo("3", token("admin", `project_name = "demo"`), "data.project_id="+demo.Scope.ProjectID),
		echo("4", token("admin", `domain_id = "default"`), "data.domain_name=Default"),
		providertest.Refused(token("demo", `project_id = "`+admin.Scope.ProjectID+`"`), "project_id", "authentication"),
		providertest.Refused(token("demo", "project_id = \"p\"\nsystem = true"), "project_id", "cannot be configured together"),
		providertest.Refused(token("demo", `system = true`), "system", "401"),
		echo("5", token("admin", `system = true`), "data.token=*"), // last: it is destroyed with this
	)
}

// TestTokenOfToken: a provider that was given a token passes on what that is for.
func TestTokenOfToken(t *testing.T) {
	admin := providertest.Start(t, cloudtest.Options{Hosts: -1}).Client("admin")
	type place struct {
		Project, Domain struct{ ID string }
		System          struct{ All bool }
	}
	for name, scope := range map[string]gophercloud.AuthScope{"project": {ProjectID: admin.Scope.ProjectID}, "domain": {DomainID: "default"}, "system": {System: true}} {
		t.Run(name, func(t *testing.T) {
			var want, got place
			given, err := admin.Token(t.Context(), scope)
			if err != nil {
				t.Fatal(err)
			}
			id, err := given.ExtractTokenID()
			if err != nil {
				t.Fatal(err)
			}
			c, err := client.New(t.Context(), client.Config{AuthURL: admin.Identity.Endpoint, Token: id})
			if err != nil {
				t.Fatal(err)
			}
			own, err := c.Token(t.Context(), gophercloud.AuthScope{})
			if err := errors.Join(err, given.ExtractInto(&want), own.ExtractInto(&got)); err != nil || got != want || want == (place{}) {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
		})
	}
}
