package provider_test

import (
	"testing"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// TestAccUnknownConfiguration: what the provider cannot know when it plans is told, and not
// taken for what was left out: with an unknown scope it would work in another one.
func TestAccUnknownConfiguration(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: -1})
	for _, line := range []string{`system = terraform_data.later.output`, `project_name = "p-${terraform_data.later.id}"`} {
		w.Run(providertest.Refused(`
resource "terraform_data" "later" {
  input = true
}
provider "cloudlet" {
  auth_url  = "`+w.AuthURL()+`"
  user_name = "admin"
  password  = "`+cloudtest.Password+`"
  `+line+`
}
data "cloudlet_auth_scope" "me" {}
`, "", "Value is not known yet"))
	}
}
