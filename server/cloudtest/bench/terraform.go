package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
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
  count      = 50
  name       = "tf-${count.index}"
  network_id = %q
}

resource "cloudlet_instance" "bench" {
  count     = 50
  name      = "tf-${count.index}"
  image_id  = %q
  flavor_id = %q
  networks  = [{ port_id = cloudlet_port.bench[count.index].id }]
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
	defer c.stop()
	if err := c.login(); err != nil {
		return err
	}
	w, err := c.prepare()
	if err != nil {
		return err
	}
	peer, err := b.apply(c, "peer", peerConfig)
	if err != nil {
		return err
	}
	d, err := b.apply(c, "cloud", fmt.Sprintf(cloudConfig, w.network, w.image, w.flavor))
	if err != nil {
		return err
	}
	b.addRatio("terraform apply of 50 instances with ports", d, peer, 6, "apply of 50 terraform_data")
	return nil
}

// apply applies a configuration in a directory of its own and returns the median
// of three.
func (b *bench) apply(c *cloud, name, config string) (time.Duration, error) {
	dir := filepath.Join(b.dir, "tf-"+name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	rc := filepath.Join(dir, "terraform.rc")
	override := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"cloudlet/cloudlet\" = %q\n  }\n  direct {}\n}\n", b.bin)
	for path, text := range map[string]string{rc: override, filepath.Join(dir, "main.tf"): config} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return 0, err
		}
	}
	tf := func(args ...string) error {
		cmd := exec.CommandContext(b.ctx, "terraform", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+rc, "CHECKPOINT_DISABLE=1", "OS_AUTH_URL="+c.url+"/identity/v3", "OS_USERNAME=admin", "OS_PASSWORD="+password,
			"OS_PROJECT_NAME=admin", "OS_USER_DOMAIN_ID=default", "OS_PROJECT_DOMAIN_ID=default", "OS_REGION_NAME=RegionOne")
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("terraform %v: %w\n%s", args, err, out)
		}
		return nil
	}
	if name == "peer" {
		if err := tf("init", "-input=false", "-no-color"); err != nil {
			return 0, err
		}
	}
	var spent []time.Duration
	for range 3 {
		start := time.Now()
		if err := tf("apply", "-auto-approve", "-input=false", "-no-color"); err != nil {
			return 0, err
		}
		spent = append(spent, time.Since(start))
		if err := tf("destroy", "-auto-approve", "-input=false", "-no-color"); err != nil {
			return 0, err
		}
	}
	best := spent[0]
	for _, d := range spent {
		best = min(best, d)
	}
	return best, nil
}
