package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// commands are the words that may follow "cloudlet".
var commands = []struct {
	name, summary string
	run           func(ctx context.Context, args []string, out, errOut io.Writer) error
}{
	{"dev", "run a whole cloud in this process", devCommand},
	{"server", "run the APIs and keep the state", serverCommand},
	{"agent", "run one host's part", agentCommand},
	{"env", "print OS_* exports for a cloud", func(_ context.Context, args []string, out, errOut io.Writer) error {
		return envCommand(args, out, errOut)
	}},
	{"token", "make a join token for an agent", tokenCommand},
	{"admin", "reset a user's password, rotate the keys of tokens, restore images", adminCommand},
	{"policy", "tell who may do what, and why", policyCommand},
	{"backup", "copy the state of a running server", backupCommand},
	{"restore", "replace a stopped server's state by a backup", restoreCommand},
	{"version", "print the version", func(_ context.Context, _ []string, out, _ io.Writer) error {
		_, err := fmt.Fprintln(out, "cloudlet", version())
		return err
	}},
}

// run runs one command and returns the exit status.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	if len(args) == 0 || args[0] == "-h" || args[0] == "-help" || args[0] == "--help" || args[0] == "help" {
		w, status := out, 0
		if len(args) == 0 {
			w, status = errOut, 2
		}
		fmt.Fprint(w, "Usage: cloudlet COMMAND [flags]\n\nCommands:\n")
		for _, c := range commands {
			fmt.Fprintf(w, "  %-8s %s\n", c.name, c.summary)
		}
		fmt.Fprint(w, "\nRun 'cloudlet COMMAND -h' for a command's flags.\n")
		return status
	}
	for _, c := range commands {
		if c.name != args[0] {
			continue
		}
		switch err := c.run(ctx, args[1:], out, errOut); {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return 0
		case errors.Is(err, errUsage):
			return 2
		case errors.Is(err, errRefused):
			return 1
		default:
			fmt.Fprintf(errOut, "cloudlet %s: %v\n", c.name, err)
			return 1
		}
	}
	var names []string
	for _, c := range commands {
		names = append(names, c.name)
	}
	meant := ""
	if near := nearest(args[0], names); near != "" {
		meant = fmt.Sprintf(" did you mean %q?", near)
	}
	fmt.Fprintf(errOut, "cloudlet: there is no command %q;%s 'cloudlet help' lists them\n", args[0], meant)
	return 2
}

// version is the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}

// defaultDataDir is where state is kept unless told: below the user's state
// directory (XDG Base Directory), or /var/lib/cloudlet for root.
func defaultDataDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/cloudlet"
	}
	if d := os.Getenv("XDG_STATE_HOME"); d != "" {
		return filepath.Join(d, "cloudlet")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "state", "cloudlet")
	}
	return "cloudlet-data"
}
