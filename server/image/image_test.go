package image

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

func ptr[T any](v T) *T { return &v }

func (w world) create(c cloud.Caller, id string, ch ImageChange) (Image, error) {
	return get(w, func(tx *statestore.Txn) (Image, error) { return ImageCreate(tx, c, id, ch) })
}

func (w world) update(c cloud.Caller, id string, ch ImageChange) (Image, error) {
	return get(w, func(tx *statestore.Txn) (Image, error) { return ImageUpdate(tx, c, id, ch) })
}

// wantKind compares an error with a kind and a field; an empty field is not compared.
func wantKind(t *testing.T, what string, err error, k cloud.Kind, field string) {
	t.Helper()
	if !cloud.Is(err, k) || field != "" && cloud.AsError(err).Field != field {
		t.Errorf("%s: got %v, want %s at %q", what, err, k, field)
	}
}

func TestImageCreate(t *testing.T) {
	w := newWorld(t)
	const id = "22222222-2222-4222-8222-222222222222"
	i, err := w.create(ann, id, ImageChange{Tags: ptr([]string{"b", "a", "b"}), Properties: ptr(map[string]string{"os_distro": "debian"})})
	if err != nil {
		t.Fatal(err)
	}
	if i.ID != id || i.ProjectID != "p1" || i.Status != Queued || i.Visibility != Shared || !slices.Equal(i.Tags, []string{"a", "b"}) || i.HasData() {
		t.Errorf("%+v", i)
	}
	long := strings.Repeat("x", 256)
	many := make([]string, MaxTags+1)
	props := map[string]string{}
	for n := range many {
		many[n] = fmt.Sprint(n)
		props[many[n]] = ""
	}
	for _, c := range []struct {
		what  string
		id    string
		ch    ImageChange
		kind  cloud.Kind
		field string
	}{
		{"taken id", id, ImageChange{}, cloud.Conflict, "/id"},
		{"id that is none", "x", ImageChange{}, cloud.Invalid, "/id"},
		{"the stand-in's id", cloud.UnknownID, ImageChange{}, cloud.Invalid, "/id"},
		{"name", "", ImageChange{Name: &long}, cloud.Invalid, "/name"},
		{"visibility", "", ImageChange{Visibility: ptr(Visibility("secret"))}, cloud.Invalid, "/visibility"},
		{"disk format", "", ImageChange{DiskFormat: ptr("floppy")}, cloud.Invalid, "/disk_format"},
		{"container format", "", ImageChange{ContainerFormat: ptr("box")}, cloud.Invalid, "/container_format"},
		{"min_disk", "", ImageChange{MinDisk: ptr(-1)}, cloud.Invalid, "/min_disk"},
		{"min_ram", "", ImageChange{MinRAM: ptr(1 << 31)}, cloud.Invalid, "/min_ram"},
		{"tag", "", ImageChange{Tags: ptr([]string{""})}, cloud.Invalid, "/tags"},
		{"tags", "", ImageChange{Tags: &many}, cloud.Quota, "/tags"},
		{"property", "", ImageChange{Properties: &map[string]string{"a/b": strings.Repeat("x", 1<<16)}}, cloud.Invalid, "/a~1b"},
		{"properties", "", ImageChange{Properties: &props}, cloud.Quota, ""},
	} {
		_, err := w.create(ann, c.id, c.ch)
		wantKind(t, c.what, err, c.kind, c.field)
	}
	_, err = w.create(cloud.Caller{UserID: "root", System: true, Roles: []string{"admin"}}, "", ImageChange{})
	wantKind(t, "without a project", err, cloud.Invalid, "/owner")
	if n := Images.Len(w.s.Snapshot()); n != 1 {
		t.Errorf("%d images are left", n)
	}
}

func TestImageUpdateAndDelete(t *testing.T) {
	w := newWorld(t)
	q := w.queued("raw")
	if _, err := w.update(ann, q.ID, ImageChange{DiskFormat: ptr("qcow2")}); err != nil {
		t.Errorf("a queued image's format: %v", err)
	}
	if _, err := w.update(ann, q.ID, ImageChange{DiskFormat: ptr("raw"), Protected: ptr(true)}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.upload(q.ID, strings.NewReader("bytes")); err != nil {
		t.Fatal(err)
	}
	_, err := w.update(ann, q.ID, ImageChange{DiskFormat: ptr("iso")})
	wantKind(t, "an active image's format", err, cloud.Forbidden, "/disk_format")
	_, err = w.update(bob, q.ID, ImageChange{Name: ptr("mine")})
	wantKind(t, "another's image", err, cloud.NotFound, "")
	_, err = get(w, func(tx *statestore.Txn) (Image, error) { return ImageDelete(tx, ann, q.ID) })
	wantKind(t, "delete of a protected one", err, cloud.Forbidden, "")
	if _, err := w.update(ann, q.ID, ImageChange{Protected: ptr(false)}); err != nil {
		t.Fatal(err)
	}
	if _, err := get(w, func(tx *statestore.Txn) (Image, error) { return ImageDelete(tx, ann, q.ID) }); err != nil {
		t.Error(err)
	}
}

// Whoever names a public image that is no more does not get the bytes of another.
func TestIDsOfPublicImages(t *testing.T) {
	w := newWorld(t)
	const id = "22222222-2222-4222-8222-222222222222"
	for _, v := range []Visibility{Private, Shared, Community, Public} {
		if _, err := w.create(ann, id, ImageChange{Visibility: &v}); err != nil {
			t.Fatal(v, err)
		}
		if _, err := get(w, func(tx *statestore.Txn) (Image, error) { return ImageDelete(tx, ann, id) }); err != nil {
			t.Fatal(v, err)
		}
	}
	_, err := w.create(ann, id, ImageChange{})
	wantKind(t, "the id of a public image that was deleted", err, cloud.Conflict, "/id")
}

func TestTransitions(t *testing.T) {
	for s := range transitions {
		for _, e := range []Event{Upload, Done, Interrupted, Refused, Deactivate, Reactivate, Delete} {
			to, ok := Next(s, e)
			if _, known := transitions[to]; ok && !known && to != Deleted {
				t.Errorf("%s by %s becomes %q, from which nothing leads", s, e, to)
			}
		}
	}
	w := newWorld(t)
	q := w.queued("raw")
	step := func(f func(*statestore.Txn, cloud.Caller, string) (Image, error)) (Image, error) {
		return get(w, func(tx *statestore.Txn) (Image, error) { return f(tx, ann, q.ID) })
	}
	_, err := step(ImageDeactivate)
	wantKind(t, "deactivate a queued one", err, cloud.Forbidden, "")
	if _, err := w.upload(q.ID, strings.NewReader("bytes")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []Status{Deactivated, Deactivated, Active, Active} {
		f := ImageDeactivate
		if want == Active {
			f = ImageReactivate
		}
		if i, err := step(f); err != nil || i.Status != want {
			t.Errorf("%s, %v; want %s", i.Status, err, want)
		}
	}
}

func visible(w world, c cloud.Caller) (ids []string) {
	for i := range ImagesVisible(w.s.Snapshot(), c) {
		ids = append(ids, i.Name)
		if _, err := ImageGet(w.s.Snapshot(), c, i.ID); err != nil {
			w.t.Errorf("listed but not to be had: %v", err)
		}
	}
	slices.Sort(ids)
	return ids
}

func TestVisibilityAndMembers(t *testing.T) {
	w := newWorld(t)
	ids := map[Visibility]string{}
	for _, v := range []Visibility{Private, Shared, Community, Public} {
		i, err := w.create(ann, "", ImageChange{Name: ptr(string(v)), Visibility: &v})
		if err != nil {
			t.Fatal(err)
		}
		ids[v] = i.ID
	}
	all := []string{"community", "private", "public", "shared"}
	for who, want := range map[string][]string{"ann": all, "root": all, "bob": {"community", "public"}} {
		c := map[string]cloud.Caller{"ann": ann, "root": admin, "bob": bob}[who]
		if got := visible(w, c); !slices.Equal(got, want) {
			t.Errorf("%s sees %v, want %v", who, got, want)
		}
	}
	add := func(c cloud.Caller, v Visibility, project string) (Member, error) {
		return get(w, func(tx *statestore.Txn) (Member, error) { return MemberCreate(tx, c, ids[v], project) })
	}
	if m, err := add(ann, Shared, "p2"); err != nil || m.Status != Pending {
		t.Fatal(m, err)
	}
	_, err := add(ann, Shared, "p2")
	wantKind(t, "the same member", err, cloud.Conflict, "/member")
	_, err = add(ann, Private, "p2")
	wantKind(t, "a member of a private image", err, cloud.Forbidden, "")
	_, err = add(ann, Shared, "")
	wantKind(t, "no member", err, cloud.Invalid, "/member")
	_, err = add(ann, Shared, "p3")
	if err != nil {
		t.Fatal(err)
	}
	if got := visible(w, bob); !slices.Equal(got, []string{"community", "public", "shared"}) {
		t.Errorf("bob sees %v", got)
	}
	for c, want := range map[*cloud.Caller]int{&ann: 2, &bob: 1} {
		if ms, err := MemberList(w.s.Snapshot(), *c, ids[Shared]); err != nil || len(ms) != want {
			t.Errorf("%s lists %d members, %v; want %d", c.UserID, len(ms), err, want)
		}
	}
	_, err = MemberGet(w.s.Snapshot(), bob, ids[Shared], "p3")
	wantKind(t, "a fellow member", err, cloud.NotFound, "")
	if m, err := get(w, func(tx *statestore.Txn) (Member, error) { return MemberUpdate(tx, bob, ids[Shared], "p2", Accepted) }); err != nil || m.Status != Accepted {
		t.Errorf("%v, %v", m, err)
	}
	_, err = get(w, func(tx *statestore.Txn) (Member, error) { return MemberUpdate(tx, bob, ids[Shared], "p2", "perhaps") })
	wantKind(t, "a status that is none", err, cloud.Invalid, "/status")
	if err := w.write(func(tx *statestore.Txn) error { return MemberDelete(tx, ann, ids[Shared], "p2") }); err != nil {
		t.Error(err)
	}
	_, err = ImageGet(w.s.Snapshot(), bob, ids[Shared])
	wantKind(t, "no longer a member", err, cloud.NotFound, "")
	if _, err := get(w, func(tx *statestore.Txn) (Image, error) { return ImageDelete(tx, ann, ids[Shared]) }); err != nil {
		t.Error(err)
	}
	if n := Members.Len(w.s.Snapshot()); n != 0 {
		t.Errorf("%d members outlive their image", n)
	}
}

func TestTags(t *testing.T) {
	w := newWorld(t)
	q := w.queued("raw")
	for _, tag := range []string{"b", "a", "b"} {
		if err := w.write(func(tx *statestore.Txn) error { return TagAdd(tx, ann, q.ID, tag) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.write(func(tx *statestore.Txn) error { return TagRemove(tx, ann, q.ID, "b") }); err != nil {
		t.Fatal(err)
	}
	if i, _ := Images.Get(w.s.Snapshot(), q.ID); !slices.Equal(i.Tags, []string{"a"}) {
		t.Errorf("tags %v", i.Tags)
	}
	err := w.write(func(tx *statestore.Txn) error { return TagRemove(tx, ann, q.ID, "b") })
	wantKind(t, "a tag that is gone", err, cloud.NotFound, "")
}
