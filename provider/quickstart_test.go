package provider_test

import (
	"path/filepath"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// TestAccQuickstart plans and applies the quickstart on a simulated cloud, and
// destroys it.
func TestAccQuickstart(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	t.Setenv("OS_CLIENT_CONFIG_FILE", w.CloudsFile(t))
	key := filepath.Join(t.TempDir(), "id")
	variables := config.Variables{
		"cloud":            config.StringVariable("admin"),
		"image_file":       config.StringVariable(providertest.QCOW2(t, 1)),
		"private_key_file": config.StringVariable(key),
	}
	t.Setenv("TF_ACC_PROVIDER_NAMESPACE", "cloudlet")
	resource.Test(t, resource.TestCase{Steps: []resource.TestStep{{
		ProtoV6ProviderFactories: providertest.Provider, ConfigDirectory: config.StaticDirectory("../examples/quickstart"), ConfigVariables: variables,
		Check: resource.ComposeAggregateTestCheckFunc(
			resource.TestCheckResourceAttr("cloudlet_instance.front", "ipv4_address", "10.10.0.10"),
			resource.TestCheckResourceAttr("cloudlet_instance.worker.1", "power_state", "active"),
			resource.TestCheckOutput("private_key_file", key),
		),
	}}})
}
