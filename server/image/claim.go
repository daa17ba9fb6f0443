package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Owner is the name under which this cloud marks what is its own.
type Owner struct{ ID string }

// Owners is the table of owners: there is one.
var Owners = statestore.NewTable(statestore.TableDef[Owner]{
	Name:    "image_owner",
	Version: 1,
	Key:     func(*Owner) string { return "cloud" },
})

// owner returns who this cloud is.
func owner(tx *statestore.Txn) string {
	o, ok := Owners.Get(tx, "cloud")
	if !ok {
		o = Owner{tx.NewID()}
		Owners.Put(tx, o)
	}
	return o.ID
}

// markName is the blob that says whose a remote store is. It is no content's name.
const markName = "owner"

// claim makes a remote store this cloud's if it is nobody's, and refuses one that is
// another's: what is no image's there would be removed. Error kinds: Unavailable.
func (c *Content) claim(ctx context.Context, s *shelf) error {
	if s.ours.Load() {
		return nil
	}
	is, err := readMark(ctx, s)
	if cloud.Is(err, cloud.NotFound) {
		if err = c.mark(ctx, s); err == nil {
			is, err = readMark(ctx, s) // another may have been faster
		}
	}
	if err != nil {
		return s.fault(err)
	}
	if is != c.owner {
		return s.fault(cloud.Errorf(cloud.Unavailable, "content", "It is another cloud's.").
			Because(fmt.Errorf("it is another cloud's: its object %q says %.36q, and this cloud is %q; give this cloud a prefix of its own, or remove that object if the other cloud is no more", markName, is, c.owner)))
	}
	s.ours.Store(true)
	return nil
}

func readMark(ctx context.Context, s *shelf) (string, error) {
	f, _, err := s.Blobs.Open(ctx, markName)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 100))
	return strings.TrimSpace(string(b)), err
}

// mark writes who this cloud is into a store.
func (c *Content) mark(ctx context.Context, s *shelf) error {
	f, err := os.CreateTemp(s.incoming, "mark-")
	if err != nil {
		return err
	}
	_, err = f.WriteString(c.owner + "\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return s.Blobs.Put(ctx, markName, f.Name())
}
