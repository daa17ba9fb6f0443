package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/api/front/policy"
	"github.com/cloudlet/cloudlet/server/api/glance"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/server/hosts"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/server/network"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/pebble"
)

// ServerOptions say what a server is.
type ServerOptions struct {
	DataDir string // state, images, sockets; made if need be
	Listen  string // host:port of the APIs; port 0 picks a free one
	TLS     *tls.Config
	// CACertFile is what clients check TLS with, for clouds.yaml; may be empty.
	CACertFile string
	Region     string
	Version    string

	Seed          bool   // a new cloud is seeded as DevStack does; else it has only its admin
	AdminPassword string // of a new cloud's users; empty: generated
	// BeforeSeed is told the password of a new cloud and where the API is, before
	// there is anything. An error stops the start. May be nil.
	BeforeSeed func(baseURL, password string) error
	PolicyFile string // empty: the built-in policy
	Identity   identity.Settings

	ImageStores  map[string]string // directories or addresses (s3://…) by id, besides that in DataDir
	DefaultStore string            // of images that name none; empty: that in DataDir
	FetchAllow   []netip.Prefix    // where images may be fetched from though it is not public
	// ImageLimits bound what a project has of images, by the names of Glance's
	// registered limits, where no limit of the name is registered. What is not named is
	// not bounded, but for image_count_total.
	ImageLimits map[string]int64
	// ImageFormat, if not empty, is the disk format that imported images are
	// converted to; Decompress has those that are compressed decompressed.
	ImageFormat string
	Decompress  bool
	// ImageTrustDir is the directory of the certificates that images may be signed by; empty:
	// those of the credential store.
	ImageTrustDir string
	// DeleteDelay is how long the bytes of deleted images stay.
	DeleteDelay time.Duration
	// ImageLocations lets users see and set where images' bytes are.
	ImageLocations bool

	AgentListen string // host:port for agents of other machines; empty: none
	Sockets     bool   // DIR/agent.sock and DIR/admin.sock
	LocalHosts  int    // hosts of this process that must be up before the server is ready

	Clock   cloud.Clock       // nil: the machine's
	Log     *slog.Logger      // nil: slog.Default
	Engine  statestore.Engine // nil: Pebble in DIR/state. It is the server's from the call on
	OnFatal func(error)       // as statestore.Options
	Grace   time.Duration     // as hosts.Options
}

// Tables are all tables and logs of a cloud.
func Tables() ([]statestore.AnyTable, []statestore.AnyLog) {
	return slices.Concat(identity.Tables, task.Tables, image.Tables, network.Tables, compute.Tables, hosts.Tables), compute.Logs
}

// CloudsFile is the file in a data directory with the credentials of clients. The
// callers of OpenServer write it; a backup holds it.
const CloudsFile = "clouds.yaml"

// stopGrace is how long a server that stops waits for calls under way. Whoever
// waits in one is let go at once.
const stopGrace = 500 * time.Millisecond

// Server is a running cloud without hosts.
type Server struct {
	o       ServerOptions
	store   *statestore.Store
	hosts   *hosts.Server
	metrics *prometheus.Registry
	http    *http.Server
	grpc    []*grpcListener
	base    string
	opened  time.Time
	tasks   *task.Engine
	ready   chan struct{}
	closing sync.Once

	api, agents              net.Listener // TCP; agents may be nil
	agentSocket, adminSocket net.Listener // may be nil
	local                    *bufconn.Listener

	imageDirs   []string // of every store of images that has one
	imageRemote []string // the ids of those that have none
}

type grpcListener struct {
	listener net.Listener
	server   *grpc.Server
}

// OpenServer opens the state, seeds a new cloud and listens. Nothing is answered
// before Serve. Close it.
func OpenServer(ctx context.Context, o ServerOptions) (*Server, error) {
	if o.Clock == nil {
		o.Clock = cloud.RealClock{}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Server{o: o, opened: o.Clock.Now(), ready: make(chan struct{}), metrics: prometheus.NewRegistry(), local: bufconn.Listen(1 << 20)}
	if err := s.open(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) open(ctx context.Context) error {
	o := s.o
	rules, err := policy.Load(o.PolicyFile)
	if err != nil {
		return closeEngine(o.Engine, err)
	}
	if err := s.openStore(ctx); err != nil {
		return err
	}
	content, err := s.openImages(ctx)
	if err != nil {
		return err
	}
	if err := s.listen(); err != nil {
		return err
	}
	s.base = baseURL(o, s.api.Addr())
	if err := s.seed(ctx); err != nil {
		return err
	}
	if err := s.authority().KeysReady(ctx, s.store); err != nil {
		return err
	}
	if err := hosts.EnsureCA(ctx, s.store); err != nil {
		return err
	}
	s.hosts = hosts.New(hosts.Options{Store: s.store, Images: content, Clock: o.Clock, Log: o.Log, Grace: o.Grace})
	if err := s.mountGRPC(); err != nil {
		return err
	}
	s.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	authority := s.authority()
	f := front.New(front.Options{Store: s.store, Auth: authority, Policy: rules, Services: Services(authority, s.hosts, glance.Deps{Content: content, Fetcher: s.fetcher(), Locations: o.ImageLocations}),
		StandIns: []func(*statestore.Txn){image.StandIns, network.StandIns, compute.StandIns}, Clock: o.Clock, Log: o.Log,
		Metrics: front.NewMetrics(s.metrics), Version: o.Version})
	s.http = &http.Server{Handler: s.handler(f), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		TLSConfig: o.TLS, ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug)}
	return nil
}

// openStore opens the state in the data directory, which is made if there is none, or
// on the engine that was handed in.
func (s *Server) openStore(ctx context.Context) (err error) {
	o := s.o
	if o.Sockets {
		if err := checkSockets(o.DataDir); err != nil {
			return closeEngine(o.Engine, err)
		}
	}
	if err := os.MkdirAll(o.DataDir, 0o711); err != nil {
		return closeEngine(o.Engine, fmt.Errorf("data directory: %w", err))
	}
	if o.Engine == nil {
		if o.Engine, err = pebble.Open(filepath.Join(o.DataDir, stateDir), pebble.Options{Log: o.Log}); err != nil {
			return err
		}
	}
	tables, logs := Tables()
	s.store, err = statestore.Open(ctx, o.Engine, statestore.Options{Tables: tables, Logs: logs, Now: o.Clock.Now, OnFatal: o.OnFatal})
	return err
}

// closeEngine gives back an engine that was handed in, when the store that would
// own it cannot be opened.
func closeEngine(e statestore.Engine, err error) error {
	if e != nil {
		e.Close()
	}
	return err
}

// baseURL is where clients of this machine reach the API.
func baseURL(o ServerOptions, at net.Addr) string {
	scheme := "http"
	if o.TLS != nil {
		scheme = "https"
	}
	host, _, _ := net.SplitHostPort(o.Listen)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
		if name, err := os.Hostname(); err == nil {
			host = name
		}
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(at.(*net.TCPAddr).Port))
}

// authority is the one of this server.
func (s *Server) authority() identity.Authority {
	return identity.Authority{Clock: s.o.Clock, Settings: s.o.Identity}
}

// BaseURL is scheme, host and port of the API.
func (s *Server) BaseURL() string { return s.base }

// Store is the cloud's state: for tests.
func (s *Server) Store() *statestore.Store { return s.store }

// Ready is closed when the server is ready.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Serve answers until ctx ends, or something that it needs breaks. It blocks.
func (s *Server) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.http.BaseContext = func(net.Listener) context.Context { return ctx } // who waits is let go at the end
	var work sync.WaitGroup
	run := func(what string, f func() error) {
		work.Go(func() {
			if err := f(); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, grpc.ErrServerStopped) && ctx.Err() == nil {
				cancel(fmt.Errorf("%s: %w", what, err))
			}
		})
	}
	if s.o.TLS != nil {
		run("API", func() error { return s.http.ServeTLS(s.api, "", "") })
	} else {
		run("API", func() error { return s.http.Serve(s.api) })
	}
	for _, g := range s.grpc {
		run("agents", func() error { return g.server.Serve(g.listener) })
	}
	work.Go(func() { s.awaitHosts(ctx) })
	run("tasks", func() error { return s.tasks.Serve(ctx) })
	run("keys", func() error {
		return s.authority().KeepKeys(ctx, s.store, func(err error) {
			if err != nil {
				s.o.Log.Error("tokens are not sealed under a new key", "error", err)
			} else {
				s.o.Log.Info("tokens are sealed under a new key")
			}
		})
	})
	<-ctx.Done()
	grace, stop := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer stop()
	if s.http.Shutdown(grace) != nil {
		s.http.Close()
	}
	for _, g := range s.grpc {
		g.server.Stop()
	}
	work.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return ctx.Err()
}

// awaitHosts closes ready when as many hosts are up as this process has.
func (s *Server) awaitHosts(ctx context.Context) {
	for {
		snap, watch := s.store.Watch()
		up := 0
		for h := range compute.Hosts.All(snap) {
			if h.Up && !h.SeenAt.Before(s.opened) && s.hosts.Connected(h.ID) {
				up++ // also if an administrator has it forced down
			}
		}
		if up >= s.o.LocalHosts {
			close(s.ready)
			return
		}
		if watch.Wait(ctx) != nil {
			return
		}
	}
}

// Close stops what Serve has not, and closes the state. It may be called twice.
func (s *Server) Close() {
	s.closing.Do(func() {
		if s.http != nil {
			s.http.Close()
		}
		for _, g := range s.grpc {
			g.server.Stop()
		}
		for _, l := range []net.Listener{s.api, s.agents, s.agentSocket, s.adminSocket, s.local} {
			if l != nil {
				l.Close()
			}
		}
		if s.hosts != nil {
			s.hosts.Close()
		}
		if s.store != nil {
			if err := s.store.Close(); err != nil {
				s.o.Log.Error("the state was not closed cleanly", "error", err)
			}
		}
	})
}
