package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"google.golang.org/grpc/status"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/server/node"
)

// tokenCommand prints a new join token of a running server.
func tokenCommand(ctx context.Context, args []string, out, errOut io.Writer) error {
	s := newSettings("token", "Prints a token by which one agent of another machine may join, once. The server must run.", errOut)
	dataDir := s.String("data-dir", defaultDataDir(), "`directory` of the server's state")
	valid := s.Duration("valid", 24*time.Hour, "how long the token is good, such as 30m or 24h")
	if err := s.parse(args); err != nil {
		return err
	}
	if *valid < time.Second {
		return s.wrong("-valid %s: must be at least 1s", *valid)
	}
	return admin(ctx, *dataDir, func(c hostapi.AdminClient) error {
		reply, err := c.NewJoinToken(ctx, &hostapi.NewJoinTokenRequest{ValidSeconds: int64(*valid / time.Second)})
		if err == nil {
			_, err = fmt.Fprintln(out, reply.Token)
		}
		return err
	})
}

// backupCommand copies a running cloud.
func backupCommand(ctx context.Context, args []string, out, errOut io.Writer) error {
	s := newSettings("backup", "Copies state and images of a running server, consistently, into a new directory.", errOut)
	dataDir := s.String("data-dir", defaultDataDir(), "`directory` of the server's state")
	to := s.String("to", "", "`directory` that the backup is to be; it must not exist")
	if err := s.parse(args); err != nil {
		return err
	}
	if *to == "" {
		return s.wrong("-to is needed: where the backup shall be")
	}
	dir, err := filepath.Abs(*to)
	if err != nil {
		return err
	}
	return admin(ctx, *dataDir, func(c hostapi.AdminClient) error {
		_, err := c.Backup(ctx, &hostapi.BackupRequest{Directory: dir})
		if err == nil {
			_, err = fmt.Fprintln(out, "backup is complete:", dir)
		}
		return err
	})
}

// admin calls a running server over its operator's socket.
func admin(ctx context.Context, dataDir string, call func(hostapi.AdminClient) error) error {
	c, done, err := node.DialAdmin(ctx, dataDir)
	if err != nil {
		return err
	}
	defer done()
	if err := call(c); err != nil {
		return errors.New(status.Convert(err).Message())
	}
	return nil
}

// restoreCommand replaces a stopped server's state.
func restoreCommand(ctx context.Context, args []string, out, errOut io.Writer) error {
	s := newSettings("restore", "Replaces the state of a stopped server by a backup, after checking it.", errOut)
	dataDir := s.String("data-dir", defaultDataDir(), "`directory` of the server's state")
	from := s.String("from", "", "`directory` of the backup")
	if err := s.parse(args); err != nil {
		return err
	}
	if *from == "" {
		return s.wrong("-from is needed: the directory of a backup")
	}
	if err := node.Restore(ctx, *from, *dataDir); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "restored:", *dataDir)
	return err
}
