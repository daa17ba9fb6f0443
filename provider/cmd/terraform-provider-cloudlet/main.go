// Command terraform-provider-cloudlet is the Terraform provider for Cloudlet.
// Terraform starts it; it is not run by hand, but with -debug for a debugger.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"runtime/debug"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/cloudlet/cloudlet/provider"
)

// version is set when the program is linked.
var version = "dev"

func main() {
	attach := flag.Bool("debug", false, "run for a debugger, and print how Terraform attaches")
	flag.Parse()
	quiet()
	// Terraform starts this process anew for each of its steps: it ends before
	// collecting its garbage pays, unless it grows this large.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(256 << 20)
	err := providerserver.Serve(context.Background(), provider.New(version),
		providerserver.ServeOpts{Address: provider.Address, Debug: *attach, ProtocolVersion: 6})
	if err != nil {
		log.Fatal(err)
	}
}

// quiet turns the framework's logs off if nobody reads them. It traces every step
// unless told otherwise, and Terraform throws that away: together half of the
// time that a plan takes.
func quiet() {
	if os.Getenv("TF_LOG") != "" || os.Getenv("TF_LOG_PROVIDER") != "" {
		return
	}
	for _, name := range []string{"TF_LOG_SDK", "TF_LOG_SDK_PROTO", "TF_LOG_SDK_FRAMEWORK"} {
		if os.Getenv(name) == "" {
			_ = os.Setenv(name, "off") // fails for no such name
		}
	}
}
