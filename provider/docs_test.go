package provider_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/provider"
)

var update = flag.Bool("update", false, "write the provider's pages to docs/")

// repository is the root of the sources; tests run in their package's directory.
const repository = ".."

// pages are what is generated in docs/: the rest of it is written by hand.
var pages = []string{"index.md", "resources", "data-sources", "ephemeral-resources"}

// TestDocs renders the provider's pages from its schema and the examples, and
// holds those in docs/ against them.
func TestDocs(t *testing.T) {
	cli := newCLI(t)
	dir := t.TempDir()
	cli.write(dir, "main.tf", "terraform {\n  required_providers {\n    cloudlet = { source = \"cloudlet/cloudlet\" }\n  }\n}\n")
	schema := cli.run(dir, "terraform", "providers", "schema", "-json")
	cli.write(dir, "schema.json", strings.Replace(schema, provider.Address, "cloudlet", 1)) // the name that tfplugindocs looks for
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join(repository, "examples"))); err != nil {
		t.Fatal(err)
	}
	cli.run(".", "go", "tool", "tfplugindocs", "generate", "--provider-dir", dir, "--provider-name", "cloudlet", "--rendered-provider-name", "Cloudlet", "--providers-schema", filepath.Join(dir, "schema.json"))
	want, have := readPages(t, filepath.Join(dir, "docs")), readPages(t, filepath.Join(repository, "docs"))
	if *update {
		for name := range have {
			if err := os.Remove(filepath.Join(repository, "docs", name)); err != nil {
				t.Fatal(err)
			}
		}
		for name, text := range want {
			cli.write(filepath.Join(repository, "docs"), name, text)
		}
		return
	}
	for name, text := range want {
		if have[name] != text {
			t.Errorf("docs/%s is not what the schema and the examples make of it; run 'go generate ./provider'", name)
		}
	}
	for name := range have {
		if _, ok := want[name]; !ok {
			t.Errorf("docs/%s is no page of the provider's any more; run 'go generate ./provider'", name)
		}
	}
}

// readPages returns the generated pages under a docs directory, by path.
func readPages(t *testing.T, docs string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, p := range pages {
		err := filepath.WalkDir(filepath.Join(docs, p), func(file string, d fs.DirEntry, err error) error {
			if os.IsNotExist(err) || err == nil && d.IsDir() {
				return nil
			}
			if err != nil {
				return err
			}
			b, err := os.ReadFile(file)
			name, _ := filepath.Rel(docs, file)
			out[name] = string(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestExamples demands that each resource and data source has an example with
// what a reader needs, that all are valid, and that they are formatted.
func TestExamples(t *testing.T) {
	cli := newCLI(t)
	examples := filepath.Join(repository, "examples")
	cli.run(examples, "terraform", "fmt", "-check", "-recursive", "-diff")
	dir := t.TempDir()
	var root strings.Builder
	n := 0
	for _, pattern := range []string{"resources/*/resource.tf", "data-sources/*/data-source.tf", "ephemeral-resources/*/ephemeral-resource.tf", "quickstart/main.tf", "team/main.tf"} {
		files, err := filepath.Glob(filepath.Join(examples, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, file := range files {
			n++
			module := fmt.Sprintf("m%d", n)
			if err := os.CopyFS(filepath.Join(dir, module), os.DirFS(filepath.Dir(file))); err != nil {
				t.Fatal(err)
			}
			arguments := map[string]string{
				"quickstart/main.tf": "\n  image_file = \"image\"",
				"team/main.tf":       "\n  name = \"blue\"\n  projects = {}\n  people = {}\n  passwords = {}\n  monitoring_secret = \"a secret\"",
			}[pattern]
			if arguments == "" {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range []string{"password", "secret"} {
					if strings.Contains(string(text), "variable \""+name+"\"") {
						arguments += "\n  " + name + " = \"a secret\""
					}
				}
				cli.write(dir, module+"/versions.tf", "terraform {\n  required_providers {\n    cloudlet = { source = \"cloudlet/cloudlet\" }\n  }\n}\n")
			}
			fmt.Fprintf(&root, "module %q { # %s\n  source = \"./%s\"%s\n}\n", module, file, module, arguments)
		}
	}
	cli.write(dir, "main.tf", root.String())
	cli.run(dir, "terraform", "get")
	cli.run(dir, "terraform", "validate", "-no-color")
}

// TestExamplesAreComplete demands an example, and for resources an import, of
// everything that the provider has.
func TestExamplesAreComplete(t *testing.T) {
	resources, sources, ephemerals := names(t)
	for _, name := range resources {
		for _, file := range []string{"resource.tf", "import.sh"} {
			if _, err := os.Stat(filepath.Join(repository, "examples/resources", name, file)); err != nil {
				t.Error(err)
			}
		}
	}
	for _, name := range sources {
		if _, err := os.Stat(filepath.Join(repository, "examples/data-sources", name, "data-source.tf")); err != nil {
			t.Error(err)
		}
	}
	for _, name := range ephemerals {
		if _, err := os.Stat(filepath.Join(repository, "examples/ephemeral-resources", name, "ephemeral-resource.tf")); err != nil {
			t.Error(err)
		}
	}
	if !slices.Contains(resources, "cloudlet_instance") || !slices.Contains(sources, "cloudlet_image") {
		t.Errorf("the provider has only %v and %v", resources, sources)
	}
}

// cli runs programs with a terraform that finds this tree's provider.
type cli struct {
	t   *testing.T
	env []string
}

func newCLI(t *testing.T) cli {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		if os.Getenv("CLOUDLET_TEST_NOSKIP") == "1" {
			t.Fatalf("terraform must be on PATH: %v", err)
		}
		t.Skipf("SKIPPED: terraform is not on PATH: %v", err)
	}
	dir := t.TempDir()
	c := cli{t, append(os.Environ(), "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "rc"), "CHECKPOINT_DISABLE=1", "CGO_ENABLED=0")}
	c.write(dir, "rc", fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"cloudlet/cloudlet\" = %q\n  }\n  direct {}\n}\n", dir))
	c.run(".", "go", "build", "-o", dir+"/", "./cmd/terraform-provider-cloudlet")
	return c
}

// run returns what a program writes to standard output; it must succeed.
func (c cli) run(dir, name string, args ...string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, c.env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("%s: %v\n%s%s", cmd, err, out, stderr.String())
	}
	return string(out)
}

// refused returns all that a program writes; it must fail.
func (c cli) refused(dir, name string, args ...string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, c.env
	out, err := cmd.CombinedOutput()
	if err == nil {
		c.t.Fatalf("%s was not refused:\n%s", cmd, out)
	}
	return string(out)
}

func (c cli) write(dir, name, text string) {
	c.t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
}
