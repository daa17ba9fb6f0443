package node

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cloudlet/cloudlet/hypervisor/hostapi"
	"github.com/cloudlet/cloudlet/server/fetch"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/server/image/blob/s3"
	"github.com/cloudlet/cloudlet/server/image/convert"
	"github.com/cloudlet/cloudlet/server/image/signature"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
)

// openImages opens the stores of images' bytes, in the state that a process that
// died left them in, and the engine of the tasks about them.
func (s *Server) openImages(ctx context.Context) (*image.Content, error) {
	if err := s.checkConversion(ctx); err != nil {
		return nil, err
	}
	o, err := s.contentOptions()
	if err != nil {
		return nil, err
	}
	content, err := image.OpenContent(filepath.Join(s.o.DataDir, imageDir), o)
	if err == nil {
		err = content.Sweep(ctx, s.store)
	}
	if err != nil {
		return nil, fmt.Errorf("image store: %w", err)
	}
	s.imageDirs, s.imageRemote = nil, nil
	for _, st := range content.Stores() {
		if st.Remote() {
			s.imageRemote = append(s.imageRemote, st.ID)
		} else {
			s.imageDirs = append(s.imageDirs, st.Dir)
		}
	}
	s.askStores(ctx, content)
	s.tasks = task.New(task.Options{Store: s.store, Clock: s.o.Clock, Log: s.o.Log,
		Kinds: content.Kinds(image.ImportOptions{Fetcher: s.fetcher(), Region: s.o.Region,
			Decompress: s.o.Decompress, Format: s.o.ImageFormat, Converter: convert.Converter{}})})
	return content, nil
}

// checkConversion reports why images cannot be converted as configured, and logs what
// the system lacks to confine what does it.
func (s *Server) checkConversion(ctx context.Context) error {
	if s.o.ImageFormat == "" {
		return nil
	}
	if err := convert.Check(s.o.ImageFormat); err != nil {
		return err
	}
	lacks, err := convert.Missing(ctx)
	if len(lacks) > 0 {
		s.o.Log.Warn("qemu-img, which converts what users bring, is confined less than it should be: this system has no " + strings.Join(lacks, ", no ") + " for it")
	}
	return err
}

// contentOptions are what the configuration says of images' bytes.
func (s *Server) contentOptions() (o image.ContentOptions, err error) {
	limits, err := defaultLimits(s.o.ImageLimits)
	if err != nil {
		return o, err
	}
	if _, err := signature.LoadTrust(s.o.ImageTrustDir); err != nil {
		return o, fmt.Errorf("trusted certificates of images: %w", err)
	}
	o = image.ContentOptions{Signing: image.SigningOptions{Stored: certificate, TrustDir: s.o.ImageTrustDir},
		Default: s.o.DefaultStore, DeleteDelay: s.o.DeleteDelay,
		Limits: func(r statestore.Reader, projectID string) image.Limits { return s.imageLimits(r, projectID, limits) }}
	for _, id := range slices.Sorted(maps.Keys(s.o.ImageStores)) {
		st, err := imageStore(id, s.o.ImageStores[id])
		if err != nil {
			return o, fmt.Errorf("image store %s: %w", id, err)
		}
		o.More = append(o.More, st)
	}
	return o, nil
}

// certificate finds a certificate in the credential store.
func certificate(r statestore.Reader, id string) (image.Certificate, bool) {
	c, err := identity.CredentialGet(r, id)
	if err != nil || c.Type != identity.CertType {
		return image.Certificate{}, false
	}
	return image.Certificate{UserID: c.UserID, ProjectID: c.ProjectID, PEM: c.Blob(r)}, true
}

// askTime is how long a start waits for image stores that may be away.
const askTime = 5 * time.Second

// askStores logs what is wrong with remote stores. The server starts all the same:
// it has more to do than to serve them, and they may come back.
func (s *Server) askStores(ctx context.Context, content *image.Content) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	content.Check(ctx, func(id string, err error) {
		s.o.Log.Error("an image store cannot be used; its images cannot be read or made until it can", "store", id, "error", err)
	})
}

// imageStore opens a further store: in a directory, or at an address.
func imageStore(id, place string) (image.Store, error) {
	if !strings.HasPrefix(place, s3.Scheme) {
		return image.Store{ID: id, Description: "Files in a directory of their own", Dir: place}, nil
	}
	c, err := s3.Parse(place)
	if err != nil {
		return image.Store{}, err
	}
	st, err := s3.Open(c)
	if err != nil {
		return image.Store{}, err
	}
	return image.Store{ID: id, Description: "Objects of a bucket of their own, named by the SHA-256 of what is in them", Blobs: st, Type: "s3", Properties: map[string]any{
		"s3_store_large_object_size": s3.PartSize >> 20, "s3_store_large_object_chunk_size": s3.PartSize >> 20, "s3_store_thread_pools": s3.Threads, // MiB
		"address": c.String()}}, nil
}

// CheckImageStore reports why a place cannot be one of image stores. It asks nobody.
func CheckImageStore(place string) error {
	if !strings.HasPrefix(place, s3.Scheme) {
		return nil
	}
	_, err := s3.Parse(place)
	return err
}

// KeyVariables are those of the environment that may hold keys of image stores. They
// are read by OpenServer only.
var KeyVariables = s3.Variables

// deletedImages are the images that undelete can restore.
func (s *Server) deletedImages() (all []*hostapi.DeletedImage) {
	for i, until := range image.ImagesPendingDelete(s.store.Snapshot()) {
		all = append(all, &hostapi.DeletedImage{Id: i.ID, Name: i.Name, ProjectId: i.ProjectID, DeletedAt: i.UpdatedAt.Unix(), GoneAt: until.Unix()})
	}
	return all
}

func (s *Server) undelete(ctx context.Context, id string) error {
	return s.store.Write(ctx, func(tx *statestore.Txn) error {
		_, err := image.ImageRestore(tx, id)
		return err
	})
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
