package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"google.golang.org/grpc/status"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/server/node"
)

// adminCommand runs one of the operator's own commands. They need the right to the
// data directory, and no password.
func adminCommand(ctx context.Context, args []string, out, errOut io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "reset-password":
			return resetPasswordCommand(ctx, args[1:], out, errOut)
		case "rotate-keys":
			return rotateKeysCommand(ctx, args[1:], out, errOut)
		}
	}
	fmt.Fprint(errOut, "Usage: cloudlet admin reset-password [flags]\n       cloudlet admin rotate-keys [flags]\n")
	return errUsage
}

// resetPasswordCommand gives a user a password, whether the server runs or not.
func resetPasswordCommand(ctx context.Context, args []string, out, errOut io.Writer) error {
	s := newSettings("admin reset-password", "Gives a user a password, and enables and unlocks the account. The server may run or not.", errOut)
	dataDir := s.String("data-dir", defaultDataDir(), "`directory` of the server's state")
	user := s.String("user", "admin", "`name` of the user")
	domain := s.String("domain", "Default", "`name` of the user's domain")
	var password string
	s.secret(&password, "password", "CLOUDLET_NEW_PASSWORD", "the new `password`; without it one is generated and printed")
	if err := s.parse(args); err != nil {
		return err
	}
	generated := password == ""
	if generated {
		password = rand.Text()
	}
	c, done, err := node.DialAdmin(ctx, *dataDir)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return err
	case err != nil: // it does not run
		err = node.ResetPassword(ctx, *dataDir, *domain, *user, password)
	default:
		defer done()
		if _, err = c.ResetPassword(ctx, &hostapi.ResetPasswordRequest{DomainName: *domain, UserName: *user, Password: password}); err != nil {
			err = errors.New(status.Convert(err).Message())
		}
	}
	if err != nil {
		return err
	}
	if generated {
		if _, err := fmt.Fprintln(out, password); err != nil {
			return err
		}
	}
	return keepPassword(*dataDir, *domain, *user, password)
}

// rotateKeysCommand has a running server seal new tokens under a new key.
func rotateKeysCommand(ctx context.Context, args []string, out, errOut io.Writer) error {
	s := newSettings("admin rotate-keys", "Has new tokens sealed under a new key. Tokens that are valid stay so. The server must run.", errOut)
	dataDir := s.String("data-dir", defaultDataDir(), "`directory` of the server's state")
	if err := s.parse(args); err != nil {
		return err
	}
	return admin(ctx, *dataDir, func(c hostapi.AdminClient) error {
		_, err := c.RotateKeys(ctx, &hostapi.RotateKeysRequest{})
		if err == nil {
			_, err = fmt.Fprintln(out, "new tokens are sealed under a new key")
		}
		return err
	})
}
