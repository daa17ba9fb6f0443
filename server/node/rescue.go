package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/pebble"
)

// setPassword gives a user of the running server a password.
func (s *Server) setPassword(ctx context.Context, domain, user, password string) error {
	return setPassword(ctx, s.store, s.authority(), domain, user, password)
}

// newKeys has the running server's tokens sealed under a new key.
func (s *Server) newKeys(ctx context.Context) error {
	return s.authority().KeysRotate(ctx, s.store)
}

func setPassword(ctx context.Context, store *statestore.Store, a identity.Authority, domain, user, password string) error {
	hash, err := identity.PasswordHash(ctx, password)
	if err != nil {
		return err
	}
	return store.Write(ctx, func(tx *statestore.Txn) error { return a.PasswordReset(tx, domain, user, hash) })
}

// ResetPassword gives a user of a stopped server a password, by right of the files
// alone. It fails while a process has the state.
func ResetPassword(ctx context.Context, dataDir, domain, user, password string) error {
	return offline(ctx, dataDir, func(store *statestore.Store) error {
		return setPassword(ctx, store, identity.Authority{Clock: cloud.RealClock{}}, domain, user, password)
	})
}

// offline does something to the state of a stopped server. It fails while a process
// has the state.
func offline(ctx context.Context, dataDir string, do func(*statestore.Store) error) (err error) {
	dir := filepath.Join(dataDir, stateDir)
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("there is no state: %w", err)
	}
	e, err := pebble.Open(dir, pebble.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	var fatal error
	tables, logs := Tables()
	store, err := statestore.Open(ctx, e, statestore.Options{Tables: tables, Logs: logs, OnFatal: func(err error) { fatal = err }})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(), fatal) }()
	err = do(store)
	if e, told := errors.AsType[*cloud.Error](err); told && e.Kind != cloud.Internal {
		return errors.New(e.Msg)
	}
	return err
}
