package authscope_test

import (
	"testing"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

func TestAccAuthScope(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: -1})
	const config = "data \"cloudlet_auth_scope\" \"me\" {}\n"
	demo := w.Client("demo")
	w.Run(
		providertest.Read("data.cloudlet_auth_scope.me", w.As("demo", config), "user_id="+demo.UserID, "user_name=demo", "user_domain_id=default", "project_id="+demo.Scope.ProjectID, "project_name=demo",
			"project_domain_id=default", "system=false", "roles.#=2", "roles.0=member", "roles.1=reader"),
		providertest.Read("data.cloudlet_auth_scope.me", w.As("admin", config), "user_name=admin", "roles.0=admin"),
	)
}
