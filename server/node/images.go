package node

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/fetch"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/server/image/convert"
	"github.com/cloudlet/cloudlet/server/image/signature"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
)

// openImages opens the stores of images' bytes, in the state that a process that
// died left them in, and the engine of the tasks about them.
func (s *Server) openImages(ctx context.Context) (*image.Content, error) {
	limits, err := defaultLimits(s.o.ImageLimits)
	if err != nil {
		return nil, err
	}
	if s.o.ImageFormat != "" {
		if err := convert.Check(s.o.ImageFormat); err != nil {
			return nil, err
		}
	}
	if _, err := signature.LoadTrust(s.o.ImageTrustDir); err != nil {
		return nil, fmt.Errorf("trusted certificates of images: %w", err)
	}
	o := image.ContentOptions{Signing: image.SigningOptions{Stored: certificate, TrustDir: s.o.ImageTrustDir},
		Default: s.o.DefaultStore, DeleteDelay: s.o.DeleteDelay,
		Limits: func(r statestore.Reader, projectID string) image.Limits { return s.imageLimits(r, projectID, limits) }}
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
		Kinds: content.Kinds(image.ImportOptions{Fetcher: s.fetcher(), Region: s.o.Region,
			Decompress: s.o.Decompress, Format: s.o.ImageFormat, Converter: convert.Converter{}})})
	return content, nil
}

// certificate finds a certificate in the credential store.
func certificate(r statestore.Reader, id string) (image.Certificate, bool) {
	c, err := identity.CredentialGet(r, id)
	if err != nil || c.Type != identity.CertType {
		return image.Certificate{}, false
	}
	return image.Certificate{UserID: c.UserID, ProjectID: c.ProjectID, PEM: c.Blob(r)}, true
}

func (s *Server) fetcher() fetch.Fetcher { return fetch.Fetcher{Allow: s.o.FetchAllow} }

// defaultImages is how many images a project may have if nothing else is said: what a
// single user can fill the memory with is bounded.
const defaultImages = 1000

// limitFields are the bounds by the names of Glance's registered limits.
func limitFields(l *image.Limits) map[string]*int64 {
	return map[string]*int64{"image_size_total": &l.SizeTotal, "image_stage_total": &l.StageTotal,
		"image_count_total": &l.CountTotal, "image_count_uploading": &l.Uploading}
}

// defaultLimits are the bounds of what is not registered as a limit.
func defaultLimits(named map[string]int64) (image.Limits, error) {
	l := image.NoLimits
	l.CountTotal = defaultImages
	fields := limitFields(&l)
	for name, n := range named {
		if fields[name] == nil {
			return l, fmt.Errorf("there is no limit %q of images; there are %s", name, strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
		}
		*fields[name] = n
	}
	return l, nil
}

// imageLimits are the bounds of a project: a limit of its own, else the registered one,
// else the default.
func (s *Server) imageLimits(r statestore.Reader, projectID string, l image.Limits) image.Limits {
	a := identity.Authority{Clock: s.o.Clock, Settings: s.o.Identity}
	for name, to := range limitFields(&l) {
		if most, ok := a.LimitFor(r, "image", s.o.Region, name, projectID); ok {
			*to = int64(most)
		}
	}
	return l
}
