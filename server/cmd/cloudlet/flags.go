package main

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cloudlet/cloudlet/server/node"
)

// logFlags are the settings of what is logged.
type logFlags struct{ level, format string }

func (l *logFlags) declare(s *settings) {
	s.choice(&l.level, "log-level", "least level that is logged", "info", "debug", "warn", "error")
	s.choice(&l.format, "log-format", "how it is written", "text", "json")
}

func (l *logFlags) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l.level)) // one of four words
	o := &slog.HandlerOptions{Level: level}
	if l.format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// serverFlags are the settings of the server's half.
type serverFlags struct {
	listen, dataDir, seed, adminPassword, policy string
	tlsCert, tlsKey, caCert                      string
	region                                       string
	agentListen                                  string
	imageStores                                  map[string]string
	imageDefault, fetchAllow, imageTrust         string
	imageLimits                                  map[string]string
	deleteDelay                                  time.Duration
	imageFormat                                  string
	imageLocations, decompress                   bool
	identity                                     identityFlags
}

func (f *serverFlags) declare(s *settings) {
	s.StringVar(&f.listen, "listen", "127.0.0.1:5000", "`address` of the APIs; port 0 picks a free one")
	s.StringVar(&f.dataDir, "data-dir", defaultDataDir(), "`directory` of the state")
	s.choice(&f.seed, "seed", "what a new cloud holds: as DevStack seeds one, or only the admin", "devstack", "none")
	s.secret(&f.adminPassword, "admin-password", adminPasswordVar, "`password` of the users admin and demo of a new cloud; generated unless given")
	s.StringVar(&f.policy, "policy", "", "HCL `file` with policy rules that replace the built-in ones of the same name")
	s.StringVar(&f.tlsCert, "tls-cert", "", "PEM `file` with the API's certificate chain; needed to listen beyond loopback")
	s.StringVar(&f.tlsKey, "tls-key", "", "PEM `file` with the certificate's key")
	s.StringVar(&f.caCert, "ca-cert", "", "PEM `file` with the authority that signed -tls-cert, for clouds.yaml; not needed for one that clients trust anyway")
	s.Var(pairs{&f.imageStores}, "image-store", "further place for images' bytes, `name:place`; may repeat. A place is a directory, or object storage: s3://bucket/prefix?option=value&…, options endpoint (https://host:port), region, path-style, credentials (file), profile, ca-cert (file). The store files is in -data-dir")
	s.StringVar(&f.imageDefault, "image-store-default", "", "`name` of the store of images that name none; default files")
	s.Var(pairs{&f.imageLimits}, "image-limit", "bound of what a project has of images where no limit of the name is registered, `name:number`, -1 for none; may repeat. Names: image_count_total (1000 unless given), image_count_uploading, and in MiB image_size_total, image_stage_total")
	s.DurationVar(&f.deleteDelay, "image-delete-delay", 0, "`duration`, such as 24h, that the bytes of deleted images stay")
	s.StringVar(&f.imageFormat, "image-convert", "", "disk `format` that imported images are converted to: raw, qcow2 or vmdk; none unless given")
	s.BoolVar(&f.decompress, "image-decompress", false, "imported images that are compressed (gzip, bzip2, zstd, xz, zip) are stored decompressed")
	s.StringVar(&f.imageTrust, "image-trust-dir", "", "`directory` of the certificates that images may be signed by: UUID.pem is a signer's, other .pem and .crt files hold authorities")
	s.BoolVar(&f.imageLocations, "image-locations", false, "users see and set where images' bytes are, as OpenStack's show_multiple_locations")
	s.StringVar(&f.fetchAllow, "fetch-allow", "", "`networks`, such as 10.1.0.0/16,::1/128, that images may be fetched from by URL though they are not public")
	s.StringVar(&f.region, "region", "RegionOne", "`name` of the region in the catalog")
	f.identity.declare(s)
}

// check returns the server's options, with the APIs' TLS configuration.
func (f *serverFlags) check(s *settings) (node.ServerOptions, error) {
	o := node.ServerOptions{DataDir: f.dataDir, Seed: f.seed == "devstack", AdminPassword: f.adminPassword, PolicyFile: f.policy,
		ImageStores: f.imageStores, DefaultStore: f.imageDefault, ImageLocations: f.imageLocations,
		ImageTrustDir: f.imageTrust, ImageFormat: f.imageFormat, Decompress: f.decompress, DeleteDelay: f.deleteDelay, Region: f.region, Listen: f.listen, AgentListen: f.agentListen, Version: version()}
	if f.dataDir == "" {
		return o, s.wrong("-data-dir is empty")
	}
	var err error
	if o.Identity, err = f.identity.check(s); err != nil {
		return o, err
	}
	if err := f.checkListeners(s, &o); err != nil {
		return o, err
	}
	return o, f.checkImages(s, &o)
}

// checkListeners sets what concerns addresses and certificates.
func (f *serverFlags) checkListeners(s *settings, o *node.ServerOptions) error {
	if (f.tlsCert == "") != (f.tlsKey == "") {
		return s.wrong("-tls-cert and -tls-key belong together: give both or none")
	}
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return s.wrong("-listen %q: must be host:port, such as 127.0.0.1:5000 or [::1]:0", f.listen)
	}
	if f.tlsCert != "" {
		cert, err := tls.LoadX509KeyPair(f.tlsCert, f.tlsKey)
		if err != nil {
			return s.wrong("-tls-cert, -tls-key: %v", err)
		}
		o.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	} else if !loopback(host) {
		return s.wrong("-listen %s is beyond loopback, where passwords and tokens must not travel in the clear: give -tls-cert and -tls-key, or listen on 127.0.0.1", f.listen)
	}
	if f.caCert != "" {
		abs, err := filepath.Abs(f.caCert)
		if err != nil {
			return err
		}
		if _, err := os.Stat(abs); err != nil {
			return s.wrong("-ca-cert: %v", err)
		}
		o.CACertFile = abs
	}
	if f.agentListen != "" {
		if _, _, err := net.SplitHostPort(f.agentListen); err != nil {
			return s.wrong("-agent-listen %q: must be host:port, such as 0.0.0.0:5001", f.agentListen)
		}
	}
	return nil
}

// checkImages sets what concerns images.
func (f *serverFlags) checkImages(s *settings, o *node.ServerOptions) error {
	for id, place := range f.imageStores {
		if err := node.CheckImageStore(place); err != nil {
			return s.wrong("-image-store %s: %v", id, err)
		}
	}
	for name, text := range f.imageLimits {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return s.wrong("-image-limit: %q is not a number", text)
		}
		if o.ImageLimits == nil {
			o.ImageLimits = map[string]int64{}
		}
		o.ImageLimits[name] = n
	}
	for text := range strings.SplitSeq(f.fetchAllow, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return s.wrong("-fetch-allow: %q is not a network, such as 10.1.0.0/16", text)
		}
		o.FetchAllow = append(o.FetchAllow, p.Masked())
	}
	return nil
}

// loopback reports whether the host part of an address cannot be reached from
// other machines.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// hostFlags are the settings of one host's half.
type hostFlags struct {
	driver, plugin, libvirtURI, virtType string
	name, zone, vtep                     string
	physnets                             map[string]string
}

func (f *hostFlags) declare(s *settings, drivers ...string) {
	s.choice(&f.driver, "driver", "what runs guests", drivers...)
	s.StringVar(&f.plugin, "driver-plugin", "", "`path` of the libvirt driver plugin; default cloudlet-libvirt beside this program")
	s.StringVar(&f.libvirtURI, "libvirt-uri", "qemu:///system", "libvirt connection `URI`")
	s.choice(&f.virtType, "virt-type", "how guests run: KVM if it is proven to work, always KVM, or QEMU's emulation", "auto", "kvm", "qemu")
	s.StringVar(&f.name, "host-name", hostName(), "`name` of this host in the cloud")
	s.StringVar(&f.zone, "zone", "nova", "availability `zone` of this host")
	s.StringVar(&f.vtep, "tunnel-address", "", "IP `address` that other hosts reach this one at for VXLAN; needed with more than one host")
	s.Var(pairs{&f.physnets}, "physnet", "physical network and the bridge it is on, `name:bridge`; may repeat")
}

func (f *hostFlags) check(s *settings) (node.HostOptions, error) {
	o := node.HostOptions{Driver: f.driver, Plugin: f.plugin, LibvirtURI: f.libvirtURI, VirtType: f.virtType,
		Name: f.name, Zone: f.zone, Physnets: f.physnets}
	if f.vtep != "" {
		a, err := netip.ParseAddr(f.vtep)
		if err != nil {
			return o, s.wrong("-tunnel-address %q: not an IP address", f.vtep)
		}
		o.TunnelAddress = a
	}
	if f.name == "" || strings.ContainsAny(f.name, " \t\n/:") {
		return o, s.wrong("-host-name %q: must be a name without spaces, slashes or colons", f.name)
	}
	if f.driver == "libvirt" {
		if o.Plugin == "" {
			self, err := os.Executable()
			if err != nil {
				return o, err
			}
			o.Plugin = filepath.Join(filepath.Dir(self), "cloudlet-libvirt")
		}
		if _, err := os.Stat(o.Plugin); err != nil {
			return o, s.wrong("the libvirt driver is a program of its own: %v; build it with 'make build' or name it with -driver-plugin", err)
		}
	}
	return o, nil
}

func hostName() string {
	h, err := os.Hostname()
	if err != nil {
		return "host"
	}
	h, _, _ = strings.Cut(h, ".")
	return h
}
