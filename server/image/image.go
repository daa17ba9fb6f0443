package image

import (
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Visibility says who but the owner may see and use an image.
type Visibility string

// The visibilities of Glance v2.
const (
	Private   Visibility = "private"   // its project
	Shared    Visibility = "shared"    // its project, and projects that accepted it
	Community Visibility = "community" // everybody who knows its id; listed only when asked for
	Public    Visibility = "public"    // everybody
)

// Image is one image. Sizes are zero and sums empty until it has bytes.
type Image struct {
	ID         string
	Name       string
	ProjectID  string // the owner
	Status     Status
	Visibility Visibility
	Protected  bool // refuse to delete
	Hidden     bool // left out of lists unless asked for

	DiskFormat      string // raw, qcow2, vmdk, vdi, vhd, vhdx, iso, …; empty if not told
	ContainerFormat string // bare, …; empty if not told
	MinDisk         int    // GiB that a flavor's disk must have at least
	MinRAM          int    // MiB that a flavor must have at least

	Size        int64  // bytes of the file
	VirtualSize int64  // bytes of the disk a guest sees
	SHA256      string // of the file, hex: its content address
	SHA512      string // of the file, hex: Glance's os_hash_value
	MD5         string // of the file, hex: Glance's checksum

	Locations []Location // beyond this cloud

	Stores []string // ids of the stores that hold the bytes, sorted; empty: the default one

	// UploadID names the upload that is filling the image while it is saving or
	// uploading; no other may end it.
	UploadID   string
	Staged     string // the name of what is staged for an import; empty if nothing is
	StagedSize int64  // its bytes
	// ConvertedFrom is the disk format that the owner declared, while an import
	// stores the image as another.
	ConvertedFrom string

	// Of the newest import: its task while it is under way, the stores that it has
	// not reached yet and those that it failed to.
	TaskID                   string
	Imported                 bool // there was one
	ImportLeft, ImportMissed []string

	WasDeactivated bool // before it was deleted, of one that is pending_delete

	Tags       []string          // sorted, each once
	Properties map[string]string // hw_disk_bus, os_distro, …

	CreatedAt, UpdatedAt time.Time // UTC
}

// HasData reports whether the image's bytes are there.
func (i Image) HasData() bool { return i.SHA256 != "" }

// InStores returns the ids of the stores that hold the image's bytes.
func (i Image) InStores() []string {
	if i.HasData() && len(i.Stores) == 0 {
		return []string{DefaultStore}
	}
	return i.Stores
}

// Images is the table of images.
//
//   - owner: the project
//   - visibility: the visibility
//   - content: the SHA-256 of the bytes
//   - name: the name; images may share one
var Images = statestore.NewTable(statestore.TableDef[Image]{
	Name:    "image",
	Version: 1,
	Key:     func(i *Image) string { return i.ID },
	Indexes: []statestore.Index[Image]{
		{Name: "owner", Keys: func(i *Image) []string { return []string{i.ProjectID} }},
		{Name: "visibility", Keys: func(i *Image) []string { return []string{string(i.Visibility)} }},
		{Name: "name", Keys: func(i *Image) []string { return []string{i.Name} }},
		{Name: "content", Keys: func(i *Image) []string {
			if i.SHA256 == "" {
				return nil
			}
			return []string{i.SHA256}
		}},
	},
})

// MemberStatus is what a project thinks of an image that it was offered.
type MemberStatus string

// The statuses of Glance v2.
const (
	Pending  MemberStatus = "pending"  // undecided: it can use the image, but does not list it
	Accepted MemberStatus = "accepted" // it lists the image
	Rejected MemberStatus = "rejected" // it can use the image, but does not list it
)

// Member is a project that a shared image is offered to.
type Member struct {
	ImageID   string
	ProjectID string
	Status    MemberStatus
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Members is the table of members.
//
//   - image: the image
//   - project: the member project
var Members = statestore.NewTable(statestore.TableDef[Member]{
	Name:    "image_member",
	Version: 1,
	Key:     func(m *Member) string { return statestore.Key(m.ImageID, m.ProjectID) },
	Indexes: []statestore.Index[Member]{
		{Name: "image", Keys: func(m *Member) []string { return []string{m.ImageID} }},
		{Name: "project", Keys: func(m *Member) []string { return []string{m.ProjectID} }},
	},
})

// retired is the id of an image that everybody could see and that is no more. No other is to have
// it: whoever names it still would get another's bytes. Images that users offer by themselves
// leave none, or anybody could have any number kept.
type retired struct{ ID string }

var retirees = statestore.NewTable(statestore.TableDef[retired]{Name: "image_retired", Version: 1, Key: func(x *retired) string { return x.ID }})

// Tables are the package's tables, for statestore.Options.
var Tables = []statestore.AnyTable{Images, Owners, Members, Namespaces, Cache, retirees}

// StandIns puts the image that stands, in a plan session, for one that the plan
// will make: active, visible to all, without demands on a flavor.
func StandIns(tx *statestore.Txn) {
	Images.Put(tx, Image{
		ID: cloud.UnknownID, Name: "an image this plan makes", Status: Active, Visibility: Public, Hidden: true,
		DiskFormat: "qcow2", ContainerFormat: "bare", CreatedAt: tx.Now(), UpdatedAt: tx.Now(),
	})
}
