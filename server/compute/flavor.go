package compute

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Flavor is a size of instance. A flavor never changes but for its description,
// extra specs and access: an instance keeps a copy (FlavorCopy) of what it was
// made with.
type Flavor struct {
	ID          string // a UUID, or what its maker chose: "1", "m1.tiny"
	Name        string
	Description string
	VCPUs       int
	MemoryMiB   int
	DiskGiB     int // 0: as big as the image
	Ephemeral   int // GiB
	SwapMiB     int
	RxTxFactor  float64
	Public      bool
	Disabled    bool
	ExtraSpecs  map[string]string
	Projects    []string // sorted; who may use it if it is not public
	CreatedAt   time.Time
}

// Flavors is the table of flavors. Index name: the name, unique.
var Flavors = statestore.NewTable(statestore.TableDef[Flavor]{
	Name:    "flavor",
	Version: 1,
	Key:     func(f *Flavor) string { return f.ID },
	Indexes: []statestore.Index[Flavor]{
		{Name: "name", Unique: true, Keys: func(f *Flavor) []string { return []string{f.Name} }},
	},
})

var (
	flavorID   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._ -]{0,253}[A-Za-z0-9._-]$|^[A-Za-z0-9]$`)
	printable  = regexp.MustCompile(`^[^\pC]+$`)
	specKey    = regexp.MustCompile(`^[A-Za-z0-9_. :-]{1,255}$`)
	maxInteger = 1<<31 - 1
)

// FlavorCreate makes a flavor. An empty ID is replaced by a fresh UUID. Error
// kinds: Invalid, Conflict.
func FlavorCreate(tx *statestore.Txn, f Flavor) (Flavor, error) {
	const op = "FlavorCreate"
	if f.ID == "" {
		f.ID = tx.NewID()
	}
	f.Name = trim(f.Name)
	f.RxTxFactor = cmp.Or(f.RxTxFactor, 1)
	switch {
	case !flavorID.MatchString(f.ID):
		return f, invalid(op, "flavor", "/flavor/id", "Invalid input for field/attribute id. Value: %s. It may have letters, digits, '.', '_', '-' and inner spaces, at most 255.", f.ID)
	case f.Name == "" || len(f.Name) > 255 || !printable.MatchString(f.Name):
		return f, invalid(op, "flavor", "/flavor/name", "Invalid input for field/attribute name. It must have 1 to 255 printable characters.")
	case f.VCPUs < 1 || f.VCPUs > maxInteger:
		return f, invalid(op, "flavor", "/flavor/vcpus", "Invalid input for field/attribute vcpus. Value: %d. %d is less than the minimum of 1.", f.VCPUs, f.VCPUs)
	case f.MemoryMiB < 1 || f.MemoryMiB > maxInteger:
		return f, invalid(op, "flavor", "/flavor/ram", "Invalid input for field/attribute ram. Value: %d. %d is less than the minimum of 1.", f.MemoryMiB, f.MemoryMiB)
	case f.DiskGiB < 0 || f.Ephemeral < 0 || f.SwapMiB < 0:
		return f, invalid(op, "flavor", "/flavor/disk", "Invalid input for field/attribute disk, OS-FLV-EXT-DATA:ephemeral or swap: a size is at least 0.")
	case f.RxTxFactor < 0:
		return f, invalid(op, "flavor", "/flavor/rxtx_factor", "Invalid input for field/attribute rxtx_factor: it must be more than 0.")
	}
	if _, dup := Flavors.Get(tx, f.ID); dup {
		return f, (&cloud.Error{Kind: cloud.Conflict, Op: op, Resource: "flavor", ID: f.ID, Msg: "Flavor with ID " + f.ID + " already exists."}).At("/flavor/id")
	}
	if _, dup := Flavors.First(tx, "name", f.Name); dup {
		return f, (&cloud.Error{Kind: cloud.Conflict, Op: op, Resource: "flavor", ID: f.ID, Msg: "Flavor with name " + f.Name + " already exists."}).At("/flavor/name")
	}
	f.CreatedAt = tx.Now()
	Flavors.Put(tx, f)
	return f, nil
}

// FlavorVisible reports whether the caller may see and use the flavor.
func FlavorVisible(c cloud.Caller, f Flavor) bool {
	return f.Public || c.Admin() || c.ProjectID != "" && slices.Contains(f.Projects, c.ProjectID)
}

// FlavorGet returns the flavor if the caller may use it; NotFound otherwise.
func FlavorGet(r statestore.Reader, c cloud.Caller, id string) (Flavor, error) {
	f, ok := Flavors.Get(r, id)
	if !ok || !FlavorVisible(c, f) {
		return Flavor{}, &cloud.Error{Kind: cloud.NotFound, Op: "FlavorGet", Resource: "flavor", ID: id, Msg: "Flavor " + id + " could not be found."}
	}
	return f, nil
}

// FlavorDelete removes the flavor; instances made with it keep their copy.
func FlavorDelete(tx *statestore.Txn, c cloud.Caller, id string) error {
	if _, err := FlavorGet(tx, c, id); err != nil {
		return err
	}
	Flavors.Delete(tx, id)
	return nil
}

// FlavorDescribe changes the description.
func FlavorDescribe(tx *statestore.Txn, c cloud.Caller, id, description string) (Flavor, error) {
	f, err := FlavorGet(tx, c, id)
	if err != nil {
		return f, err
	}
	f.Description = description
	Flavors.Put(tx, f)
	return f, nil
}

// FlavorSpecsSet adds or replaces extra specs.
func FlavorSpecsSet(tx *statestore.Txn, c cloud.Caller, id string, specs map[string]string) (Flavor, error) {
	f, err := FlavorGet(tx, c, id)
	if err != nil {
		return f, err
	}
	f.ExtraSpecs = maps.Clone(f.ExtraSpecs)
	if f.ExtraSpecs == nil {
		f.ExtraSpecs = map[string]string{}
	}
	for k, v := range specs {
		if !specKey.MatchString(k) || len(v) > 255 {
			return f, invalid("FlavorSpecsSet", "flavor", "/extra_specs/"+k, "Key Names can only contain alphanumeric characters, periods, dashes, underscores, colons and spaces; keys and values have at most 255 characters.")
		}
		f.ExtraSpecs[k] = v
	}
	Flavors.Put(tx, f)
	return f, nil
}

// FlavorSpecUnset removes one extra spec.
func FlavorSpecUnset(tx *statestore.Txn, c cloud.Caller, id, key string) error {
	f, err := FlavorGet(tx, c, id)
	if err != nil {
		return err
	}
	if _, ok := f.ExtraSpecs[key]; !ok {
		return &cloud.Error{Kind: cloud.NotFound, Op: "FlavorSpecUnset", Resource: "flavor", ID: id, Msg: "Flavor " + id + " has no extra specs with key " + key + "."}
	}
	f.ExtraSpecs = maps.Clone(f.ExtraSpecs)
	delete(f.ExtraSpecs, key)
	Flavors.Put(tx, f)
	return nil
}

// FlavorAccess gives a project access to a private flavor, or takes it away.
func FlavorAccess(tx *statestore.Txn, c cloud.Caller, id, projectID string, give bool) (Flavor, error) {
	const op = "FlavorAccess"
	f, err := FlavorGet(tx, c, id)
	if err != nil {
		return f, err
	}
	has := slices.Contains(f.Projects, projectID)
	switch {
	case f.Public && give:
		return f, &cloud.Error{Kind: cloud.Conflict, Op: op, Resource: "flavor", ID: id, Msg: "Can not add access to a public flavor."}
	case give && has:
		return f, &cloud.Error{Kind: cloud.Conflict, Op: op, Resource: "flavor", ID: id, Msg: "Flavor access already exists for flavor " + id + " and project " + projectID + " combination."}
	case !give && !has:
		return f, &cloud.Error{Kind: cloud.NotFound, Op: op, Resource: "flavor", ID: id, Msg: "Flavor access not found for " + id + " / " + projectID + " combination."}
	}
	f.Projects = slices.DeleteFunc(slices.Clone(f.Projects), func(p string) bool { return p == projectID })
	if give {
		f.Projects = append(f.Projects, projectID)
		slices.Sort(f.Projects)
	}
	Flavors.Put(tx, f)
	return f, nil
}

// SeedFlavors puts DevStack's flavors, unless there are any already.
func SeedFlavors(tx *statestore.Txn) {
	if Flavors.Len(tx) > 0 {
		return
	}
	for _, f := range []Flavor{
		{ID: "1", Name: "m1.tiny", VCPUs: 1, MemoryMiB: 512, DiskGiB: 1},
		{ID: "2", Name: "m1.small", VCPUs: 1, MemoryMiB: 2048, DiskGiB: 20},
		{ID: "3", Name: "m1.medium", VCPUs: 2, MemoryMiB: 4096, DiskGiB: 40},
		{ID: "4", Name: "m1.large", VCPUs: 4, MemoryMiB: 8192, DiskGiB: 80},
		{ID: "5", Name: "m1.xlarge", VCPUs: 8, MemoryMiB: 16384, DiskGiB: 160},
	} {
		f.Public, f.RxTxFactor, f.CreatedAt = true, 1, tx.Now()
		Flavors.Put(tx, f)
	}
}

// StandIns puts the flavor that stands, in a plan session, for one that the plan
// will make: it claims nothing and any image fits.
func StandIns(tx *statestore.Txn) {
	Flavors.Put(tx, Flavor{ID: cloud.UnknownID, Name: "a flavor this plan makes", Public: true, Disabled: true, RxTxFactor: 1, CreatedAt: tx.Now()})
}
