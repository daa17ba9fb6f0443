// Command conformance runs OpenStack's own API tests, Tempest's suites of identity
// and image, against a cloudlet dev of its own on the simulated driver. 'make
// conformance' installs Tempest and runs it.
//
// It ends with an error on any failure or skip that exceptions.txt does not name.
// A test that left no result counts as failed. It changes nothing outside of a
// temporary directory, speaks to loopback only, and ends by itself.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	bin := flag.String("bin", "bin", "`directory` of the built programs")
	only := flag.String("run", `^tempest\.api\.(identity|image)\.`, "`expression` that the ids of the tests to run match")
	limit := flag.Duration("timeout", 30*time.Minute, "`duration` after which the run is ended")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	if err := run(ctx, *bin, *only); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin, only string) error {
	excepted, err := exceptions()
	if err != nil {
		return err
	}
	path, err := filepath.Abs(filepath.Join(bin, "cloudlet"))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "cloudlet-conformance")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c, err := start(ctx, path, dir)
	if err != nil {
		return err
	}
	defer c.Stop()
	t, err := configure(c, dir)
	if err != nil {
		return err
	}
	defer t.web.Close()
	listed, err := t.list(ctx, only)
	if err != nil {
		return err
	}
	out, err := t.run(ctx, only)
	if err != nil {
		return err
	}
	return report(os.Stdout, listed, out, excepted)
}
