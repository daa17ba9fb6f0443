package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// suffix ends the names of guests' files; anything else in Dir is not ours.
const suffix = ".guest.json"

// unfinished ends the name of a file that is being written.
const unfinished = ".new"

// load reads the guests that dir keeps, and makes dir if it is not there.
func load(dir string) (map[string]*guest, error) {
	all := map[string]*guest{}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return all, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return all, err
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		id, ours := strings.CutSuffix(e.Name(), suffix)
		if !ours {
			if strings.HasSuffix(name, suffix+unfinished) {
				os.Remove(name) // its writer was killed
			}
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return all, err
		}
		g := new(guest)
		if err := json.Unmarshal(b, g); err != nil {
			return all, fmt.Errorf("%s: %w", name, err)
		}
		if id != g.Guest.ID {
			return all, fmt.Errorf("%s holds guest %q", name, g.Guest.ID)
		}
		all[g.Guest.ID] = g
	}
	return all, nil
}

// save replaces the guest's file as a whole.
func save(dir string, g guest) error {
	b, err := json.Marshal(g)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, g.Guest.ID+suffix)
	if err := os.WriteFile(path+unfinished, b, 0o600); err != nil {
		return errors.Join(err, os.Remove(path+unfinished))
	}
	return os.Rename(path+unfinished, path)
}

// remove removes the guest's file, if there is one.
func remove(dir, id string) error {
	err := os.Remove(filepath.Join(dir, id+suffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
