package image

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// shelf is a store that is open.
type shelf struct {
	Store
	incoming string
}

func (s *shelf) path(sha256 string) string { return filepath.Join(s.Dir, sha256) }

// add opens a store.
func (c *Content) add(s Store) error {
	if s.ID == "" || strings.ContainsAny(s.ID, ", /") {
		return fmt.Errorf("%q cannot be the id of an image store: it must be a word without commas and slashes", s.ID)
	}
	for _, other := range c.shelves {
		if other.ID == s.ID || filepath.Clean(other.Dir) == filepath.Clean(s.Dir) {
			return fmt.Errorf("two image stores are called %q or lie in %s", s.ID, s.Dir)
		}
	}
	sh := &shelf{Store: s, incoming: filepath.Join(s.Dir, "incoming")}
	if err := os.MkdirAll(sh.incoming, 0o700); err != nil {
		return err
	}
	c.shelves = append(c.shelves, sh)
	return syncDir(s.Dir)
}

// Stores are the stores there are, the default one first.
func (c *Content) Stores() []Store {
	all := make([]Store, len(c.shelves))
	for n, s := range c.shelves {
		all[n] = s.Store
	}
	return all
}

// storeIDs are the ids of all stores, the default one first.
func (c *Content) storeIDs() []string {
	ids := make([]string, len(c.shelves))
	for n, s := range c.shelves {
		ids[n] = s.ID
	}
	return ids
}

// shelf returns the store with an id; "" means the default one. Error kinds:
// Invalid if there is none.
func (c *Content) shelf(id string) (*shelf, error) {
	if id == "" {
		return c.shelves[0], nil
	}
	at := slices.IndexFunc(c.shelves, func(s *shelf) bool { return s.ID == id })
	if at < 0 {
		return nil, cloud.Errorf(cloud.Invalid, "store", "There is no store %.100q; there are %s.", id, strings.Join(c.storeIDs(), ", "))
	}
	return c.shelves[at], nil
}
