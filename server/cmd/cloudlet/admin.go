package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"text/tabwriter"
	"time"

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
		case "restore-image":
			return restoreImageCommand(ctx, args[1:], out, errOut)
		}
	}
	fmt.Fprint(errOut, "Usage: cloudlet admin reset-password [flags]\n       cloudlet admin rotate-keys [flags]\n       cloudlet admin restore-image [flags]\n")
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

// restoreImageCommand undoes the deletion of an image whose bytes are still there, or
// lists those images.
func restoreImageCommand(ctx context.Context, args []string, out, errOut io.Writer) error {
	s := newSettings("admin restore-image", "Undoes the deletion of an image, as long as -image-delete-delay has kept its bytes. Without -image it lists those images. The server must run.", errOut)
	dataDir := s.String("data-dir", defaultDataDir(), "`directory` of the server's state")
	id := s.String("image", "", "`id` of the image")
	if err := s.parse(args); err != nil {
		return err
	}
	return admin(ctx, *dataDir, func(c hostapi.AdminClient) error {
		if *id != "" {
			if _, err := c.RestoreImage(ctx, &hostapi.RestoreImageRequest{Id: *id}); err != nil {
				return err
			}
			_, err := fmt.Fprintf(out, "image %s is restored\n", *id)
			return err
		}
		reply, err := c.ListDeletedImages(ctx, &hostapi.ListDeletedImagesRequest{})
		if err != nil {
			return err
		}
		day := func(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "IMAGE\tPROJECT\tDELETED\tGONE\tNAME")
		for _, i := range reply.Images {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%q\n", i.Id, i.ProjectId, day(i.DeletedAt), day(i.GoneAt), i.Name)
		}
		return w.Flush()
	})
}
