// Package providertest runs the acceptance tests of the provider's resources and
// data sources: the real terraform, the provider in this process, and a cloud
// of the test's own in this process too.
//
// Only tests import it.
package providertest

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/cloudlet/cloudlet/provider"
	"github.com/cloudlet/cloudlet/provider/client"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

// World is a cloud and what terraform has made in it.
type World struct {
	*cloudtest.Cloud
	t   *testing.T
	ids map[string]string // by address
}

// Start starts a cloud that ends with the test. Without a terraform on PATH the
// test is skipped, or fails if CLOUDLET_TEST_NOSKIP=1.
func Start(t *testing.T, o cloudtest.Options) *World {
	t.Helper()
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		if os.Getenv("CLOUDLET_TEST_NOSKIP") == "1" {
			t.Fatalf("terraform must be on PATH: %v", err)
		}
		t.Skipf("SKIPPED: terraform is not on PATH: %v", err)
	}
	rc := filepath.Join(t.TempDir(), "rc") // nothing of the user's own settings
	if err := os.WriteFile(rc, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{"TF_ACC": "1", "TF_ACC_TERRAFORM_PATH": terraform, "TF_ACC_TEMP_DIR": t.TempDir(), "TF_CLI_CONFIG_FILE": rc, "CHECKPOINT_DISABLE": "1"} {
		t.Setenv(k, v)
	}
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, "OS_") {
			t.Setenv(name, "") // no other cloud may be meant
		}
	}
	return &World{Cloud: cloudtest.Start(t, o), t: t, ids: map[string]string{}}
}

// As returns a configuration for a user of that name in the project of that name.
func (w *World) As(user, hcl string) string { return w.ProviderConfig(user) + "\n" + hcl }

// Client returns a client of that user's, to do things behind Terraform's back.
func (w *World) Client(user string) *client.Client {
	w.t.Helper()
	c, err := client.New(w.t.Context(), client.Config{AuthURL: w.AuthURL(), UserName: user, ProjectName: user, Password: cloudtest.Password})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// ID returns the id that a resource had when Apply last saw it.
func (w *World) ID(address string) string { return w.ids[address] }

// Provider makes the provider in this process, under each source address.
var Provider = map[string]func() (tfprotov6.ProviderServer, error){
	"cloudlet": providerserver.NewProtocol6WithError(provider.New("test")()),
	other:      providerserver.NewProtocol6WithError(provider.New("test")()),
	"echo":     echoprovider.NewProviderServer(), // keeps what it is configured with: for ephemeral values
}

// other is the name of a second provider: in one process aliases of the first would
// share its configuration.
const other = "other"

// AsOther returns the configuration of a second provider, which resources name with
// provider = other, for the user of that name.
func (w *World) AsOther(user string) string {
	return strings.Replace(w.ProviderConfig(user), `"cloudlet"`, `"`+other+`"`, 1)
}

// Run runs the steps one after the other, then destroys what they made.
func (w *World) Run(steps ...resource.TestStep) {
	w.t.Helper()
	resource.Test(w.t, resource.TestCase{ProtoV6ProviderFactories: Provider, Steps: steps})
}

// The actions that Apply expects of a plan.
const (
	Create  = plancheck.ResourceActionCreate
	Update  = plancheck.ResourceActionUpdate
	Replace = plancheck.ResourceActionReplace
	Noop    = plancheck.ResourceActionNoop
)

// Apply is a step that plans action for the resource at address, applies it and
// finds nothing more to do. want are attributes as "name=value"; the value * is
// any.
func (w *World) Apply(address string, action plancheck.ResourceActionType, config string, want ...string) resource.TestStep {
	key := strings.NewReplacer("[", ".", "]", "").Replace(address) // in the state that checks see
	checks := []resource.TestCheckFunc{func(s *terraform.State) error {
		r, ok := s.RootModule().Resources[key]
		if !ok {
			return fmt.Errorf("%s is not in the state", address)
		}
		w.ids[address] = r.Primary.ID
		return nil
	}}
	for _, x := range want {
		name, value, _ := strings.Cut(x, "=")
		if value == "*" {
			checks = append(checks, resource.TestCheckResourceAttrSet(key, name))
		} else {
			checks = append(checks, resource.TestCheckResourceAttr(key, name, value))
		}
	}
	return resource.TestStep{Config: config, Check: resource.ComposeAggregateTestCheckFunc(checks...),
		ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}}
}

// Read is a step that reads a data source.
func Read(address, config string, want ...string) resource.TestStep {
	var checks []resource.TestCheckFunc
	for _, x := range want {
		name, value, _ := strings.Cut(x, "=")
		if value == "*" {
			checks = append(checks, resource.TestCheckResourceAttrSet(address, name))
		} else {
			checks = append(checks, resource.TestCheckResourceAttr(address, name, value))
		}
	}
	return resource.TestStep{Config: config, Check: resource.ComposeAggregateTestCheckFunc(checks...)}
}

// After is a step before which something is done behind Terraform's back.
func After(change func(), step resource.TestStep) resource.TestStep {
	step.PreConfig = change
	return step
}

// Import is a step that imports the resource and finds what the state has; but
// for the attributes that the cloud does not tell.
func Import(address string, untold ...string) resource.TestStep {
	return resource.TestStep{ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: untold}
}

// Adopt is a step that imports the resource by an import block, and finds that
// the configuration asks for nothing else than what was imported.
func Adopt(address string) resource.TestStep {
	return resource.TestStep{ResourceName: address, ImportState: true, ImportStateKind: resource.ImportBlockWithID}
}

// Refused is a step whose plan fails with these words. attribute is the one that
// is named, as it stands in the configuration; "" for none.
func Refused(config, attribute, words string) resource.TestStep {
	pattern := "(?s)"
	if attribute != "" {
		pattern += regexp.QuoteMeta(attribute) + `\s+=.*`
	}
	return resource.TestStep{Config: config, PlanOnly: true, ExpectError: regexp.MustCompile(pattern + Words(words))}
}

// Words is a pattern for words in a message, however Terraform breaks its lines.
func Words(words string) string {
	var parts []string
	for _, w := range strings.Fields(words) {
		parts = append(parts, regexp.QuoteMeta(w))
	}
	return strings.Join(parts, `[\s│]+`)
}

// QCOW2 makes a file with an empty qcow2 disk of that size for the guest; two of
// different sizes have different bytes.
func QCOW2(t *testing.T, gib int) string {
	t.Helper()
	const cluster = 1 << 16
	b := make([]byte, 4*cluster)
	put32 := func(at int, v uint32) { binary.BigEndian.PutUint32(b[at:], v) }
	put64 := func(at int, v uint64) { binary.BigEndian.PutUint64(b[at:], v) }
	copy(b, "QFI\xfb")
	put32(4, 3)                // version
	put32(20, 16)              // bits of a cluster
	put64(24, uint64(gib)<<30) // size of the disk in bytes
	put32(36, uint32(2*gib))   // entries of the L1 table: 512 MiB each
	put64(40, 3*cluster)       // where it is
	put64(48, cluster)         // where the refcount table is
	put32(56, 1)               // its clusters
	put32(96, 4)               // bits of a refcount, as a power of two
	put32(100, 104)            // length of this header
	put64(cluster, 2*cluster)  // the one refcount block
	for n := range 4 {         // header, table, block and L1 table are in use
		b[2*cluster+2*n+1] = 1
	}
	file := filepath.Join(t.TempDir(), fmt.Sprintf("%dG.qcow2", gib))
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
