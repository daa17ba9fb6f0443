package image

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
)

// Method is where an import takes its bytes from.
type Method string

// The methods of Glance that are offered.
const (
	Direct   Method = "glance-direct"   // what was staged
	Web      Method = "web-download"    // a URL
	Download Method = "glance-download" // an image of this cloud, with some of its properties
	Copy     Method = "copy-image"      // the image's own, for further stores
)

// Methods are the methods, in the order in which they are told.
var Methods = []Method{Direct, Web, Download, Copy}

// ImportTask is the kind of the tasks that import.
const ImportTask = "api_image_import"

// ImportRequest is what an import is asked to do.
type ImportRequest struct {
	Method         Method
	URI            string // of Web
	Source         string // the image, of Download
	Region         string // where Source is: this cloud's own
	Interface      string // public, internal or admin
	Stores         []string
	AllStores      bool // all that there are; for Copy, all where it is not yet
	AllMustSucceed bool
	Body           json.RawMessage // the request as it came
	AsTask         bool            // it came as a task's, with the input Body
}

// ImportInput is the input of an import's task as it is shown, with Glance's names.
type ImportInput struct {
	ImageID string          `json:"image_id"`
	Request json.RawMessage `json:"import_req"`
	Backend []string        `json:"backend"`
	AsTask  bool            `json:"as_task,omitzero"` // Request is the input that a task was made with
}

// importWork is what the steps of an import are told.
type importWork struct {
	ImportInput
	Method         Method
	URI            string
	Source, Region string
	Interface      string
	AllMustSucceed bool
	ProjectID      string // who asked
	Admin          bool
}

// ImportCreate begins an import, as a task. Error kinds: NotFound; Invalid for a
// request that is wrong by itself; Conflict for an image whose status does not
// allow it, or that is being imported; Quota.
func (c *Content) ImportCreate(tx *statestore.Txn, caller cloud.Caller, id string, rq ImportRequest) (task.Task, error) {
	i, err := ImageGet(tx, caller, id)
	if err != nil {
		return task.Task{}, err
	}
	if err := importCheck(i, rq); err != nil {
		return task.Task{}, err
	}
	stores, err := c.importStores(i, rq)
	if err != nil {
		return task.Task{}, err
	}
	work := importWork{ImportInput: ImportInput{ImageID: id, Request: rq.Body, Backend: stores, AsTask: rq.AsTask}, Method: rq.Method, URI: rq.URI, Source: rq.Source,
		Region: rq.Region, Interface: rq.Interface, AllMustSucceed: rq.AllMustSucceed, ProjectID: caller.ProjectID, Admin: caller.Admin()}
	forgetImports(tx, id, maxImports-1)
	first := map[Method]string{Direct: stepUnpack, Web: stepFetch, Download: stepFetch, Copy: stepStore}[rq.Method]
	t, err := task.Create(tx, caller, task.Spec{Kind: ImportTask, Subject: id, Owner: i.ProjectID, Input: work, Step: first})
	if err != nil {
		return task.Task{}, err
	}
	if rq.Method != Copy {
		i.Status, _ = Next(i.Status, Import)
	}
	i.TaskID, i.Imported, i.ImportLeft, i.ImportMissed = t.ID, true, stores, nil
	return t, c.beginWithin(tx, "ImageImport", touch(tx, i))
}

// Bounds of what is kept of imports: their tasks stay for days, and everybody may import again and again.
const (
	maxStores  = 64 // that one import names
	maxImports = 10 // of one image
)

// forgetImports removes the tasks of an image's imports that have ended but the newest few.
func forgetImports(tx *statestore.Txn, id string, most int) {
	ended := slices.Collect(task.Tasks.By(tx, "subject", id))
	ended = slices.DeleteFunc(ended, func(t task.Task) bool { return t.Kind != ImportTask || t.State.Open() })
	slices.SortFunc(ended, func(a, b task.Task) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for _, t := range ended[:max(0, len(ended)-most)] {
		task.Tasks.Delete(tx, t.ID)
	}
}

// importCheck refuses an import that cannot be.
func importCheck(i Image, rq ImportRequest) error {
	const op = "ImageImport"
	conflict := func(format string, args ...any) error { return fault(cloud.Conflict, op, i.ID, "", format, args...) }
	if !slices.Contains(Methods, rq.Method) {
		return invalid(op, "/method/name", "Unknown import method name '%.50s'.", rq.Method)
	}
	switch {
	case len(rq.URI) > maxURL:
		return invalid(op, "/method/uri", "The URI has more than %d bytes.", maxURL)
	case len(rq.Region) > maxText:
		return invalid(op, "/method/glance_region", "The name of a region has at most %d bytes.", maxText)
	case len(rq.Interface) > maxText:
		return invalid(op, "/method/glance_service_interface", "The name of an interface has at most %d bytes.", maxText)
	case rq.Source != "" && !isUUID(rq.Source):
		return invalid(op, "/method/glance_image_id", "Remote image id does not look like a UUID: %.100q.", rq.Source)
	case len(rq.Stores) > maxStores:
		return invalid(op, "/stores", "At most %d stores can be named.", maxStores)
	case rq.Method == Web && rq.URI == "":
		return invalid(op, "/method/uri", "URI is required for 'web-download' import method.")
	case rq.Method == Download && rq.Source == "":
		return invalid(op, "/method/glance_image_id", "Remote image id does not look like a UUID: %.100q.", rq.Source)
	case i.TaskID != "":
		return conflict("Image %s has an active import task; another import begins when it has ended.", i.ID)
	case rq.Method == Copy && i.Status != Active:
		return conflict("Only images with status active can be targeted for copying; image %s is %s.", i.ID, i.Status)
	case rq.Method == Copy:
		return nil
	case checkClaim(op, i) != nil:
		return checkClaim(op, i)
	case rq.Method != Download && (i.DiskFormat == "" || i.ContainerFormat == ""):
		return invalid(op, "", "Properties disk_format, container_format must be set prior to saving data.")
	case rq.Method == Direct && (i.Status != Uploading || i.UploadID != ""):
		return conflict("Image %s needs to be staged before 'glance-direct' method can be used; it is %s.", i.ID, i.Status)
	case rq.Method != Direct && i.Status != Queued:
		return conflict("Image needs to be in 'queued' state to use '%s' method; image %s is %s.", rq.Method, i.ID, i.Status)
	}
	return nil
}

// importStores returns the stores that an import is to fill.
func (c *Content) importStores(i Image, rq ImportRequest) ([]string, error) {
	const op = "ImageImport"
	if rq.AllStores && len(rq.Stores) > 0 {
		return nil, invalid(op, "/all_stores", "All_stores parameter can't be used with stores: give one of the two.")
	}
	stores := rq.Stores
	switch {
	case rq.AllStores:
		stores = c.storeIDs()
	case len(stores) == 0:
		stores = c.storeIDs()[:1]
	}
	var left []string
	for _, id := range stores {
		if _, err := c.shelf(id); err != nil {
			return nil, cloud.AsError(err).At("/stores")
		}
		there := rq.Method == Copy && slices.Contains(i.InStores(), id)
		if there && !rq.AllStores {
			return nil, fault(cloud.Conflict, op, i.ID, "/stores", "Image %s is already present at store %s.", i.ID, id)
		}
		if !there && !slices.Contains(left, id) {
			left = append(left, id)
		}
	}
	return left, nil
}

// ImportPlan does, in a plan session, what is hoped of an import: the image
// becomes active. Error kinds: as ImportCreate.
func (c *Content) ImportPlan(tx *statestore.Txn, caller cloud.Caller, id string, rq ImportRequest) error {
	if _, err := c.ImportCreate(tx, caller, id, rq); err != nil {
		return err
	}
	i, _ := Images.Get(tx, id)
	task.Tasks.Delete(tx, i.TaskID)
	i.Stores = slices.Sorted(slices.Values(append(slices.Clone(i.InStores()), i.ImportLeft...)))
	i.TaskID, i.ImportLeft, i.Status = "", nil, Active
	touch(tx, i)
	return nil
}

// inherited says which properties of an image a Download takes along.
func inherited(name string) bool {
	return strings.HasPrefix(name, "hw_") || strings.HasPrefix(name, "trait:") ||
		slices.Contains([]string{"os_distro", "os_secure_boot", "os_type"}, name)
}
