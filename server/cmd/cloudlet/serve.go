package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cloudlet/cloudlet/server/node"
)

// devCommand runs server and agent in one process.
func devCommand(ctx context.Context, args []string, out, errOut io.Writer) error {
	s := newSettings("dev", "Runs a whole cloud in this process: the APIs, the state and one host.", errOut).withFile()
	var server serverFlags
	var host hostFlags
	var logs logFlags
	server.declare(s)
	host.declare(s, "sim", "libvirt")
	simHosts := s.Int("sim-hosts", 1, "`number` of simulated hosts with -driver sim")
	logs.declare(s)
	if err := s.parse(args); err != nil {
		return err
	}
	so, err := server.check(s)
	if err != nil {
		return err
	}
	ho, err := host.check(s)
	if err != nil {
		return err
	}
	if *simHosts < 1 || *simHosts > 1 && ho.Driver != "sim" {
		return s.wrong("-sim-hosts must be at least 1, and needs -driver sim")
	}
	log := logs.logger(errOut)
	so.Log, ho.Log = log, log
	so.Sockets, so.LocalHosts = true, *simHosts
	ho.DataDir, ho.Version = so.DataDir, so.Version
	return serve(ctx, out, so, func(srv *node.Server) []func(context.Context) error {
		var hosts []func(context.Context) error
		for _, o := range ho.Copies(*simHosts) {
			hosts = append(hosts, func(ctx context.Context) error { return node.RunLocalHost(ctx, srv, o) })
		}
		return hosts
	})
}

// serverCommand runs the APIs; hosts dial in.
func serverCommand(ctx context.Context, args []string, out, errOut io.Writer) error {
	s := newSettings("server", "Runs the APIs and keeps the state. Agents join over gRPC.", errOut).withFile()
	var server serverFlags
	var logs logFlags
	server.declare(s)
	s.StringVar(&server.agentListen, "agent-listen", "", "`address` where agents of other machines dial in, with mutual TLS; agents of this machine use DIR/agent.sock")
	logs.declare(s)
	if err := s.parse(args); err != nil {
		return err
	}
	o, err := server.check(s)
	if err != nil {
		return err
	}
	o.Log = logs.logger(errOut)
	o.Sockets = true
	return serve(ctx, out, o, nil)
}

// serve runs a server, and what hosts adds to it, until ctx ends.
func serve(ctx context.Context, out io.Writer, o node.ServerOptions, hosts func(*node.Server) []func(context.Context) error) error {
	o.BeforeSeed = func(baseURL, password string) error { return writeClouds(o, baseURL, password) }
	srv, err := node.OpenServer(ctx, o)
	for _, v := range node.KeyVariables { // no program that is started inherits them
		err = errors.Join(err, os.Unsetenv(v))
	}
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer srv.Close()
	if err := refreshClouds(o, srv.BaseURL()); err != nil {
		o.Log.Warn("the address of the APIs could not be put into "+node.CloudsFile, "error", err)
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return srv.Serve(gctx) })
	if hosts != nil {
		for _, run := range hosts(srv) {
			g.Go(func() error { return run(gctx) })
		}
	}
	g.Go(func() error {
		select {
		case <-srv.Ready():
			announce(out, srv, o.DataDir)
		case <-gctx.Done():
		}
		return nil
	})
	return unlessStopped(ctx, g.Wait())
}

// unlessStopped returns the error of a process that was to run until ctx ends. Then
// there is none: it stopped because it was told to.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// announce tells what a user needs to know first, at once.
func announce(out io.Writer, srv *node.Server, dataDir string) {
	var b strings.Builder
	fmt.Fprintf(&b, "cloudlet is ready at %s\n", srv.BaseURL())
	if a := srv.AgentAddr(); a != nil {
		fmt.Fprintf(&b, "agents join at %s, each with a token of: cloudlet token -data-dir %s\n", a, shellQuote(dataDir))
	}
	if file, err := readClouds(dataDir); err == nil {
		fmt.Fprintf(&b, "credentials: %s (clouds %s), or: eval \"$(cloudlet env -data-dir %s)\"\n",
			cloudsPath(dataDir), strings.Join(file.names(), ", "), shellQuote(dataDir))
	}
	_, _ = io.WriteString(out, b.String()) // a closed output is no reason to stop
}

// agentCommand runs one host's half.
func agentCommand(ctx context.Context, args []string, _, errOut io.Writer) error {
	s := newSettings("agent", "Runs this host's part of a cloud: guests, their disks and networks.", errOut).withFile()
	var host hostFlags
	var logs logFlags
	host.declare(s, "libvirt", "sim")
	server := s.String("server", "", "`address` of the server: host:port, or the path of its agent.sock on this machine")
	dataDir := s.String("data-dir", defaultDataDir(), "`directory` in which DIR/host is the host's: disks and identity. It may be the server's")
	var token, tokenFile string
	s.secret(&token, "join-token", joinTokenVar, "join `token` from 'cloudlet token'; needed once, on the first start")
	s.StringVar(&tokenFile, "join-token-file", "", "`file` that holds the join token, instead of -join-token; not read once the host has joined")
	logs.declare(s)
	if err := s.parse(args); err != nil {
		return err
	}
	o, err := host.check(s)
	if err != nil {
		return err
	}
	if *server == "" {
		return s.wrong("-server is needed: where the cloud's server listens for agents")
	}
	if err := node.CheckServer(*server); err != nil {
		return s.wrong("-server: %v", err)
	}
	if *dataDir == "" {
		return s.wrong("-data-dir is empty")
	}
	if token != "" && tokenFile != "" {
		return s.wrong("-join-token and -join-token-file: give one of them")
	}
	o.DataDir, o.Log, o.Version = *dataDir, logs.logger(errOut), version()
	o = o.Copies(1)[0]
	if tokenFile != "" && !node.HasJoined(o.DataDir) {
		b, err := os.ReadFile(tokenFile)
		if err != nil {
			return s.wrong("-join-token-file: %v", err)
		}
		token = string(b)
	}
	return unlessStopped(ctx, node.RunHost(ctx, node.Remote{Server: *server, JoinToken: token}, o))
}
