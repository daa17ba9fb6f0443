package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/cloudlet/cloudlet/server/cloudtest/program"
)

func (b *bench) version() error {
	return exec.CommandContext(b.ctx, b.program("cloudlet"), "version").Run()
}

const peerConfig = `resource "terraform_data" "peer" {
  count = 50
  input = count.index
}
`

const cloudConfig = `terraform {
  required_providers {
    cloudlet = { source = "cloudlet/cloudlet" }
  }
}

provider "cloudlet" {}

resource "cloudlet_port" "bench" {
  for_each   = toset([for n in range(50) : tostring(n)])
  name       = "tf-${each.key}"
  network_id = %q
}

resource "cloudlet_instance" "bench" {
  for_each  = cloudlet_port.bench
  name      = each.value.name
  image_id  = %q
  flavor_id = %q
  networks  = [{ port_id = each.value.id }]
}
`

// terraform measures an apply of 50 instances with a port each, against one of 50
// terraform_data.
func (b *bench) terraform() error {
	if !look("terraform") {
		fmt.Println("terraform is not installed: its figures are left out")
		return nil
	}
	c, err := b.start("terraform")
	if err != nil {
		return err
	}
	defer c.Stop()
	if err := c.Login(); err != nil {
		return err
	}
	w, err := c.prepare()
	if err != nil {
		return err
	}
	peers, err := b.configuration(c, "peer", peerConfig)
	if err != nil {
		return err
	}
	if err := peers("init", "-input=false", "-no-color"); err != nil {
		return err
	}
	clouds, err := b.configuration(c, "cloud", fmt.Sprintf(cloudConfig, w.network, w.image, w.flavor))
	if err != nil {
		return err
	}
	var peer, d time.Duration
	for range terraformRounds { // in turn, so that a busy machine is busy for both
		if err := apply(peers, &peer); err != nil {
			return err
		}
		if err := apply(clouds, &d); err != nil {
			return err
		}
	}
	b.addRatio("terraform apply of 50 instances with ports", d, peer, 6, "apply of 50 terraform_data")
	return nil
}

const terraformRounds = 5

// configuration makes a directory with a configuration and returns what runs
// terraform in it, against the cloud.
func (b *bench) configuration(c *cloud, name, config string) (func(args ...string) error, error) {
	dir := filepath.Join(b.dir, "tf-"+name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	rc := filepath.Join(dir, "terraform.rc")
	override := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"cloudlet/cloudlet\" = %q\n  }\n  direct {}\n}\n", b.bin)
	for path, text := range map[string]string{rc: override, filepath.Join(dir, "main.tf"): config} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	return func(args ...string) error {
		cmd := exec.CommandContext(b.ctx, "terraform", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+rc, "CHECKPOINT_DISABLE=1", "OS_AUTH_URL="+c.URL+"/identity/v3", "OS_USERNAME=admin", "OS_PASSWORD="+program.Password,
			"OS_PROJECT_NAME=admin", "OS_USER_DOMAIN_ID=default", "OS_PROJECT_DOMAIN_ID=default", "OS_REGION_NAME=RegionOne")
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("terraform %v: %w\n%s", args, err, out)
		}
		return nil
	}, nil
}

// apply applies and destroys once, and keeps the time of the apply if it is the best.
func apply(tf func(args ...string) error, best *time.Duration) error {
	start := time.Now()
	if err := tf("apply", "-auto-approve", "-input=false", "-no-color"); err != nil {
		return err
	}
	if d := time.Since(start); *best == 0 || d < *best {
		*best = d
	}
	return tf("destroy", "-auto-approve", "-input=false", "-no-color")
}
