// Command testbed makes isolated hosts with libvirt on this machine, runs commands in
// them, and takes them away. See package testbed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/cloudlet/cloudlet/hypervisor/testbed"
)

const usage = `usage:
  testbed up     -dir DIR [-hosts N]        make hosts, or start again what has died in them
  testbed exec   -dir DIR -host N -- CMD…   run a command in host N
  testbed exec   -dir DIR -outside -- CMD…  run a command outside of the hosts, at 172.24.4.1 on the public network
  testbed reboot -dir DIR -host N           cut off all that runs in host N, and start its libvirtd again
  testbed image  -out FILE.qcow2            make the tiny guest image, unless FILE is it already
  testbed down   -dir DIR                   take everything away
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "testbed:", strings.TrimPrefix(err.Error(), "testbed: "))
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("no command\n" + usage)
	}
	flags := flag.NewFlagSet("testbed "+args[0], flag.ExitOnError)
	flags.Usage = func() { fmt.Fprint(flags.Output(), usage) }
	dir := flags.String("dir", "", "the testbed's directory")
	hosts := flags.Int("hosts", 1, "how many hosts")
	host := flags.Int("host", 1, "which host")
	outside := flags.Bool("outside", false, "outside of the hosts")
	out := flags.String("out", "", "the image's file")
	_ = flags.Parse(args[1:]) // exits itself
	switch args[0] {
	case "up":
		_, err := testbed.Up(ctx, testbed.Options{Dir: *dir, Hosts: *hosts})
		return err
	case "exec":
		return execute(*dir, *host, *outside, flags.Args())
	case "reboot":
		h, err := find(*dir, *host)
		if err != nil {
			return err
		}
		return h.Reboot(ctx)
	case "image":
		if *out == "" {
			return errors.New("image wants -out")
		}
		return testbed.BuildImage(ctx, *out)
	case "down":
		return testbed.Down(ctx, *dir)
	case "help", "-h", "-help", "--help":
		fmt.Print(usage)
		return nil
	}
	return fmt.Errorf("no command %q\n%s", args[0], usage)
}

func find(dir string, number int) (*testbed.Host, error) {
	bed, err := testbed.Open(dir)
	if err != nil {
		return nil, err
	}
	if number < 1 || number > len(bed.Hosts) {
		return nil, fmt.Errorf("no host %d: there are 1 to %d", number, len(bed.Hosts))
	}
	return bed.Hosts[number-1], nil
}

// execute becomes the command, so that signals and the terminal are its own.
func execute(dir string, host int, outside bool, args []string) error {
	if len(args) == 0 {
		return errors.New("exec wants a command")
	}
	var cmd *exec.Cmd
	if outside {
		bed, err := testbed.Open(dir)
		if err != nil {
			return err
		}
		cmd = bed.Outside(context.Background(), args[0], args[1:]...)
	} else {
		h, err := find(dir, host)
		if err != nil {
			return err
		}
		cmd = h.Command(context.Background(), args[0], args[1:]...)
	}
	if cmd.Err != nil {
		return cmd.Err
	}
	return syscall.Exec(cmd.Path, cmd.Args, os.Environ())
}
