package provider_test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/provider/providertest"
	"github.com/cloudlet/cloudlet/server/cloudtest"
)

const secretly = `
terraform {
  required_providers {
    cloudlet = { source = "cloudlet/cloudlet" }
  }
}

variable "secret" {
  type      = string
  ephemeral = true
}

resource "cloudlet_user" "u" {
  name                = "keeper"
  password_wo         = var.secret
  password_wo_version = VERSION
}

resource "cloudlet_application_credential" "c" {
  name              = "keeper"
  secret_wo         = var.secret
  secret_wo_version = VERSION
}

# Refused, with the secret in the request.
resource "cloudlet_user" "refused" {
  count               = VERSION == 3 ? 1 : 0
  name                = "demo"
  password_wo         = var.secret
  password_wo_version = 1
}
`

// TestAccSecrets looks for the write-only values, and for the provider's own
// password, in everything that terraform writes: plans, state, output, and a
// log of all that it and the provider have to say.
func TestAccSecrets(t *testing.T) {
	w := providertest.Start(t, cloudtest.Options{Hosts: 1})
	c := newCLI(t)
	dir := t.TempDir()
	secrets := []string{"a-secret-of-version-1", "a-secret-of-version-2", "a-secret-of-version-3", cloudtest.Password}
	log := filepath.Join(dir, "log")
	var said strings.Builder
	for n, version := range []string{"1", "2", "3"} {
		c.write(dir, "main.tf", strings.ReplaceAll(secretly, "VERSION", version))
		step := c
		step.env = slices.Concat(c.env, []string{"TF_LOG=TRACE", "TF_LOG_PATH=" + log, "TF_VAR_secret=" + secrets[n], "TF_ACC=", "OS_AUTH_URL=" + w.AuthURL(), "OS_USERNAME=admin", "OS_PASSWORD=" + cloudtest.Password,
			"OS_PROJECT_NAME=admin", "OS_REGION_NAME=RegionOne"})
		plan := []string{"plan", "-no-color", "-out=plan" + version}
		if version == "3" {
			said.WriteString(step.refused(dir, "terraform", plan...))
			break
		}
		said.WriteString(step.run(dir, "terraform", plan...))
		said.WriteString(step.run(dir, "terraform", "apply", "-no-color", "plan"+version))
		said.WriteString(step.run(dir, "terraform", "show", "-no-color", "-json", "plan"+version))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"the output": said.String()}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(file)] = string(b) + unzipped(b)
	}
	for name, must := range map[string]string{"log": "provider.terraform-provider-cloudlet", "terraform.tfstate": "keeper", "terraform.tfstate.backup": "keeper", "plan1": "keeper", "plan2": "keeper",
		"the output": "Duplicate entry"} {
		if !strings.Contains(texts[name], must) {
			t.Errorf("%s, of %d bytes, has no %q: it was not what was looked for", name, len(texts[name]), must)
		}
	}
	for name, text := range texts {
		for _, secret := range secrets {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s has %q: …%s…", name, secret, text[max(0, at-200):min(len(text), at+100)])
			}
		}
	}
}

// unzipped returns what a plan file holds; "" for another file.
func unzipped(b []byte) string {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return ""
	}
	var all strings.Builder
	for _, f := range z.File {
		if r, err := f.Open(); err == nil {
			_, _ = io.Copy(&all, r)
			r.Close()
		}
	}
	return all.String()
}
