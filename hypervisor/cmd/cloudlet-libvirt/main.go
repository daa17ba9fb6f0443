//go:build cgo

// Command cloudlet-libvirt is the plugin program with the libvirt driver. The agent
// starts it, on the host of its libvirtd; it is of no use by itself.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/cloudlet/cloudlet/hypervisor/libvirt"
	"github.com/cloudlet/cloudlet/hypervisor/plugin"
)

func main() {
	o := libvirt.Options{Log: plugin.NewLog()}
	flag.StringVar(&o.URI, "uri", "qemu:///system", "libvirt's `URI`")
	flag.StringVar(&o.VirtType, "virt-type", "auto", "how guests run: kvm, qemu (emulated), or auto: kvm if it proves to work")
	flag.StringVar(&o.Dir, "dir", "", "`directory` below which guests' files are")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), "cloudlet-libvirt is started by 'cloudlet agent'. Flags:\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		fail(fmt.Errorf("unexpected argument %q", flag.Arg(0)))
	}
	d, err := libvirt.New(o)
	if err != nil {
		fail(err)
	}
	plugin.Serve(d)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "cloudlet-libvirt:", err)
	os.Exit(2)
}
