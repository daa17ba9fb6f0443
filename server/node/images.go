package node

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/cloudlet/cloudlet/server/fetch"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/server/task"
)

// openImages opens the stores of images' bytes, in the state that a process that
// died left them in, and the engine of the tasks about them.
func (s *Server) openImages(ctx context.Context) (*image.Content, error) {
	o := image.ContentOptions{Default: s.o.DefaultStore}
	for _, id := range slices.Sorted(maps.Keys(s.o.ImageStores)) {
		o.More = append(o.More, image.Store{ID: id, Description: "Files in a directory of their own", Dir: s.o.ImageStores[id]})
	}
	content, err := image.OpenContent(filepath.Join(s.o.DataDir, imageDir), o)
	if err == nil {
		err = content.Sweep(ctx, s.store)
	}
	if err != nil {
		return nil, fmt.Errorf("image store: %w", err)
	}
	s.imageDirs = nil
	for _, st := range content.Stores() {
		s.imageDirs = append(s.imageDirs, st.Dir)
	}
	s.tasks = task.New(task.Options{Store: s.store, Clock: s.o.Clock, Log: s.o.Log,
		Kinds: content.Kinds(image.ImportOptions{Fetcher: s.fetcher(), Region: s.o.Region})})
	return content, nil
}

func (s *Server) fetcher() fetch.Fetcher { return fetch.Fetcher{Allow: s.o.FetchAllow} }
