package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image/inspect"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
)

// The steps of an import:
//
//	web-download, glance-download ─▶ fetch ─▶ unpack ─▶ check ─▶ store (for each) ─▶ clean
//	glance-direct ──────────────────────────────┘       ▲ │       ▲
//	copy-image ─────────────────────────────────────────┼─┼───────┘
//	                                           convert ─┘◀┘ if another format is wanted
const (
	stepFetch   = "fetch"   // bytes into staging
	stepUnpack  = "unpack"  // decompressed, if they are compressed
	stepCheck   = "check"   // sums, and what inspect says of them
	stepConvert = "convert" // into the wanted format
	stepStore   = "store"   // into the next store; the last one makes the image active
	stepClean   = "clean"   // what was staged goes
)

// importPatience is how long an import goes on failing: somebody waits for it.
const importPatience = time.Minute

// Fetcher reads what a user names by a URL.
type Fetcher interface {
	// Open returns the bytes, which the caller closes, and how many there are to
	// be, -1 if that is not told. Error kinds: Unavailable for what may work later.
	Open(ctx context.Context, uri string) (io.ReadCloser, int64, error)
}

// ImportOptions are what imports need beside the bytes.
type ImportOptions struct {
	Fetcher Fetcher
	Region  string // this cloud's, as glance-download names it
	// Decompress has compressed images stored as what is in them.
	Decompress bool
	// Format, if not empty, is what imported images are converted to.
	Format    string
	Converter Converter // needed with Format
}

// Kinds are the kinds of tasks about images, for a task engine.
func (c *Content) Kinds(o ImportOptions) []task.Kind {
	m := importer{c, o}
	return []task.Kind{
		{Name: ImportTask, Failed: importFailed, Patience: importPatience, Steps: map[string]task.Step{stepFetch: m.fetch, stepUnpack: m.unpack, stepCheck: m.check, stepConvert: m.reformat,
			stepStore: m.store, stepClean: m.clean}},
		{Name: CacheTask, Failed: uncached, Steps: map[string]task.Step{"read": m.read}},
		{Name: CleanTask, Patience: stubborn, Steps: map[string]task.Step{stepClean: m.scrub}},
		{Name: SweepTask, Patience: stubborn, Steps: map[string]task.Step{stepSweep: m.sweep}},
	}
}

type importer struct {
	*Content
	o ImportOptions
}

// begin returns what an import is to do, and its image if it still is this
// import's.
func (m importer) begin(r *task.Run) (w importWork, i Image, err error) {
	if err := r.Decode(&w, nil); err != nil {
		return w, i, err
	}
	return w, m.mine(r, w.ImageID), nil
}

// mine returns the image, or one with no id if it is not this import's any more.
func (m importer) mine(r *task.Run, id string) Image {
	if i, ok := Images.Get(r.Store.Snapshot(), id); ok && i.TaskID == r.ID {
		return i
	}
	return Image{}
}

// errGone ends an import whose image was deleted.
var errGone = cloud.Errorf(cloud.NotFound, "image", "The image was deleted while it was imported.")

// fetch brings the bytes into staging.
func (m importer) fetch(ctx context.Context, r *task.Run) (task.Outcome, error) {
	w, i, err := m.begin(r)
	if err != nil || i.ID == "" {
		return task.Fail(errors.Join(errGone, err)), nil
	}
	from, size, change, err := m.source(ctx, r, w)
	if cloud.Is(err, cloud.Unavailable) {
		return task.Outcome{}, err
	}
	if err != nil {
		return task.Fail(err), nil
	}
	defer from.Close()
	left := m.room(r.Store.Snapshot(), "ImageImport", i.ProjectID, true, 0)
	got, err := m.keep(left.cap(&meter{from, ctx, r, size, 0}), r.ID)
	switch _, told := explain("ImageImport", i.ID, err); {
	case err == nil:
	case cloud.Is(told, cloud.TooLarge), cloud.Is(told, cloud.Quota):
		return task.Fail(told), nil
	default:
		return task.Outcome{}, told
	}
	err = r.Store.Write(ctx, func(tx *statestore.Txn) error {
		i, ok := Images.Get(tx, i.ID)
		if !ok || i.TaskID != r.ID {
			return errGone
		}
		if err := m.within(tx, "ImageImport", i.ProjectID, Usage{Staged: got}); err != nil {
			return err
		}
		i.Staged, i.StagedSize = r.ID, got
		touch(tx, change(i))
		return nil
	})
	if err != nil {
		return task.Fail(errors.Join(err, m.unstage(r.ID))), nil
	}
	return task.Next(stepUnpack), nil
}

// source opens what is to be fetched, and tells what else the image takes from it.
func (m importer) source(ctx context.Context, r *task.Run, w importWork) (io.ReadCloser, int64, func(Image) Image, error) {
	same := func(i Image) Image { return i }
	if w.Method == Web {
		f, size, err := m.o.Fetcher.Open(ctx, w.URI)
		return f, size, same, err
	}
	if w.Region != "" && w.Region != m.o.Region || w.Interface != "" && !slices.Contains([]string{"public", "internal", "admin"}, w.Interface) {
		return nil, 0, nil, cloud.Errorf(cloud.Invalid, "image", "There is no image service in the region %.100q with the interface %.100q that this cloud can ask.", w.Region, w.Interface)
	}
	caller := cloud.Caller{ProjectID: w.ProjectID}
	if w.Admin {
		caller.Roles = []string{"admin"}
	}
	src, err := ImageGet(r.Store.Snapshot(), caller, w.Source)
	if err != nil {
		return nil, 0, nil, err
	}
	if src.Status != Active || !src.HasData() {
		return nil, 0, nil, cloud.Errorf(cloud.Invalid, "image", "Image %s is %s: only one that is active can be imported from.", src.ID, src.Status)
	}
	f, size, err := m.Open(ctx, src.SHA256)
	if err != nil {
		return nil, 0, nil, cloud.Errorf(cloud.Unavailable, "image", "The bytes of image %s cannot be read now.", src.ID).Because(err)
	}
	return f, size, func(i Image) Image { return inherit(i, src) }, nil
}

// inherit returns the image with what a Download takes along from its source.
func inherit(i, src Image) Image {
	i.DiskFormat, i.ContainerFormat = src.DiskFormat, src.ContainerFormat
	merged := map[string]string{}
	for k, v := range i.Properties {
		merged[k] = v
	}
	for k, v := range src.Properties {
		if inherited(k) {
			merged[k] = v
		}
	}
	i.Properties = merged
	return i
}

// meter tells a task's progress while it is read.
type meter struct {
	io.Reader
	ctx  context.Context
	run  *task.Run
	size int64 // -1: not known
	done int64
}

func (m *meter) Read(b []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.Reader.Read(b)
	m.done += int64(n)
	percent := 0
	if m.size > 0 {
		percent = int(min(99, m.done*100/m.size))
	}
	m.run.Progress(m.ctx, percent, fmt.Sprintf("Copied %d MiB", m.done>>20))
	return n, err
}

// checked is what the later steps of an import know of the staged bytes.
type checked struct {
	SHA256, SHA512, MD5 string
	Size, VirtualSize   int64
}

// check computes the sums of what is staged, checks its signature and has it inspected.
func (m importer) check(ctx context.Context, r *task.Run) (task.Outcome, error) {
	_, i, err := m.begin(r)
	if err != nil || i.ID == "" {
		return task.Fail(errors.Join(errGone, err)), nil
	}
	f, err := os.Open(m.staged(i.Staged))
	if err != nil {
		return task.Fail(cloud.Errorf(cloud.Invalid, "image", "The staged bytes of image %s are gone.", i.ID).Because(err)), nil
	}
	defer f.Close()
	s := newSums()
	from, err := m.signing.sealOf(r.Store.Snapshot(), i, r.UserID, r.Now()).check(&meter{f, ctx, r, i.StagedSize, 0})
	var size int64
	var info inspect.Info
	if err == nil {
		size, err = io.Copy(s, from)
	}
	if err == nil {
		info, err = inspect.Check(f, size, i.DiskFormat)
	}
	if err != nil {
		event, told := explain("ImageImport", i.ID, err)
		if event == Refused {
			return task.Fail(told), nil
		}
		return task.Outcome{}, told
	}
	if m.reformats(i) {
		return task.Next(stepConvert), nil
	}
	var got received
	s.tell(&got)
	return task.Next(stepStore).With(checked{got.sha256, got.sha512, got.md5, size, info.VirtualSize}), nil
}

// store brings the bytes into the next store.
func (m importer) store(ctx context.Context, r *task.Run) (task.Outcome, error) {
	w, i, err := m.begin(r)
	if err != nil || i.ID == "" {
		return task.Fail(errors.Join(errGone, err)), nil
	}
	if len(i.ImportLeft) == 0 {
		return task.Next(stepClean), nil
	}
	got := checked{SHA256: i.SHA256, SHA512: i.SHA512, MD5: i.MD5, Size: i.Size, VirtualSize: i.VirtualSize} // of a copy
	if err := r.Decode(nil, &got); err != nil {
		return task.Outcome{}, err
	}
	id := i.ImportLeft[0]
	m.hold(got.SHA256)
	err = m.put(ctx, r, i, id, got)
	if err == nil {
		err = r.Store.Write(ctx, func(tx *statestore.Txn) error {
			if err := m.within(tx, "ImageImport", i.ProjectID, Usage{Size: got.Size}); err != nil && !slices.Contains(i.InStores(), id) {
				return err
			}
			return stored(tx, r, w, id, got)
		})
	}
	err = errors.Join(err, m.release(ctx, writing(ctx, r), got.SHA256, id))
	if err != nil && !w.AllMustSucceed && len(i.ImportLeft)+len(i.Stores) > 1 && ctx.Err() == nil {
		return task.Next(stepStore).Commit(func(tx *statestore.Txn) error { return missed(tx, r, id) }), nil
	}
	_, told := explain("ImageImport", i.ID, err)
	if cloud.Is(told, cloud.Quota) {
		return task.Fail(told), nil
	}
	return task.Next(stepStore), told
}

// put copies an image's bytes to their address in a store, checking on the way
// that they are what their name says.
func (m importer) put(ctx context.Context, r *task.Run, i Image, id string, got checked) error {
	to, err := m.shelf(id)
	if err == nil {
		err = m.ready(ctx, to)
	}
	if err != nil {
		return err
	}
	var from io.ReadCloser
	if i.Status == Importing {
		from, err = os.Open(m.staged(i.Staged))
	} else {
		from, _, err = m.Open(ctx, i.SHA256)
	}
	if err != nil {
		return err
	}
	defer from.Close()
	f, err := m.create(to.incoming)
	if err != nil {
		return err
	}
	s := newSums()
	_, err = m.take(f, s, &meter{from, ctx, r, got.Size, 0}, anyFormat)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	var now received
	if s.tell(&now); err == nil && now.sha256 != got.SHA256 {
		err = cloud.Errorf(cloud.Unavailable, "image", "The bytes of image %s are not what they were: they have been damaged.", i.ID)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return to.put(ctx, got.SHA256, f.Name())
}

// stored records that a store has the bytes. It is safe to repeat.
func stored(tx *statestore.Txn, r *task.Run, w importWork, id string, got checked) error {
	i, ok := Images.Get(tx, w.ImageID)
	if !ok || i.TaskID != r.ID {
		return errGone
	}
	i.ImportLeft = without(i.ImportLeft, id)
	if !slices.Contains(i.InStores(), id) {
		i.Stores = slices.Sorted(slices.Values(append(slices.Clone(i.InStores()), id)))
	}
	i.SHA256, i.SHA512, i.MD5, i.Size, i.VirtualSize = got.SHA256, got.SHA512, got.MD5, got.Size, got.VirtualSize
	if i.Status == Importing && (len(i.ImportLeft) == 0 || !w.AllMustSucceed) {
		i.Status, _ = Next(i.Status, Done)
	}
	touch(tx, i)
	return nil
}

// missed records that a store could not be filled.
func missed(tx *statestore.Txn, r *task.Run, id string) error {
	i, ok := Images.Get(tx, r.Subject)
	if !ok || i.TaskID != r.ID {
		return errGone
	}
	i.ImportLeft, i.ImportMissed = without(i.ImportLeft, id), append(slices.Clone(i.ImportMissed), id)
	touch(tx, i)
	return nil
}

func without(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}

// clean removes what was staged, and ends the import.
func (m importer) clean(_ context.Context, r *task.Run) (task.Outcome, error) {
	if err := m.unstage(m.mine(r, r.Subject).Staged); err != nil {
		return task.Outcome{}, err
	}
	return task.Done().Commit(func(tx *statestore.Txn) error {
		if i, ok := Images.Get(tx, r.Subject); ok && i.TaskID == r.ID {
			i.TaskID, i.Staged, i.StagedSize, i.ConvertedFrom = "", "", 0, ""
			touch(tx, i)
		}
		return nil
	}), nil
}

// importFailed puts the image back to where the import found it, in the
// transaction that ends the task, and has what the import brought removed.
func importFailed(tx *statestore.Txn, t task.Task, _ string) {
	i, ok := Images.Get(tx, t.Subject)
	if !ok || i.TaskID != t.ID {
		return
	}
	i.TaskID, i.ImportMissed, i.ImportLeft = "", append(slices.Clone(i.ImportMissed), i.ImportLeft...), nil
	if i.Status == Importing {
		left := i
		i.Status, _ = Next(i.Status, Failed)
		if i.ConvertedFrom != "" {
			i.DiskFormat, i.ConvertedFrom = i.ConvertedFrom, ""
		}
		i.Stores, i.SHA256, i.SHA512, i.MD5, i.Size, i.VirtualSize, i.Staged, i.StagedSize = nil, "", "", "", 0, 0, "", 0
		clean(tx, left, 0)
	}
	touch(tx, i)
}
