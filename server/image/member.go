package image

import (
	"slices"
	"unicode/utf8"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// memberImage returns an image whose members are asked for. Only a shared one
// has members; those of an image whose visibility changed sleep until it is
// shared again.
func memberImage(r statestore.Reader, c cloud.Caller, op, imageID string) (Image, error) {
	i, err := ImageGet(r, c, imageID)
	if err == nil && i.Visibility != Shared {
		return Image{}, fault(cloud.Forbidden, op, imageID, "", "Only shared images have members; image %s is %s.", imageID, i.Visibility)
	}
	return i, err
}

func memberMissing(op, imageID, projectID string) error {
	return &cloud.Error{Kind: cloud.NotFound, Op: op, Resource: "member", ID: projectID, Msg: "Project " + projectID + " is no member of image " + imageID + "."}
}

// MemberList returns the image's members: all of them to its owner, else the
// caller's project only. Error kinds: NotFound, Forbidden if it is not shared.
func MemberList(r statestore.Reader, c cloud.Caller, imageID string) ([]Member, error) {
	i, err := memberImage(r, c, "MemberList", imageID)
	if err != nil {
		return nil, err
	}
	ms := slices.Collect(Members.By(r, "image", imageID))
	if c.Admin() || c.Owns(i.ProjectID) {
		return ms, nil
	}
	return slices.DeleteFunc(ms, func(m Member) bool { return !c.Owns(m.ProjectID) }), nil
}

// MemberGet returns one of what MemberList returns. Error kinds: the same.
func MemberGet(r statestore.Reader, c cloud.Caller, imageID, projectID string) (Member, error) {
	const op = "MemberGet"
	i, err := memberImage(r, c, op, imageID)
	if err != nil {
		return Member{}, err
	}
	m, ok := Members.Get(r, statestore.Key(imageID, projectID))
	if !ok || !c.Admin() && !c.Owns(i.ProjectID) && !c.Owns(projectID) {
		return Member{}, memberMissing(op, imageID, projectID)
	}
	return m, nil
}

// MemberCreate offers an image to a project. Error kinds: NotFound, Forbidden if
// it is not shared, Invalid, Conflict if the project is a member, Quota.
func MemberCreate(tx *statestore.Txn, c cloud.Caller, imageID, projectID string) (Member, error) {
	const op = "MemberCreate"
	if _, err := memberImage(tx, c, op, imageID); err != nil {
		return Member{}, err
	}
	if projectID == "" || utf8.RuneCountInString(projectID) > maxText {
		return Member{}, invalid(op, "/member", "Invalid member %.50q: the id of a project is required.", projectID)
	}
	if _, ok := Members.Get(tx, statestore.Key(imageID, projectID)); ok {
		return Member{}, fault(cloud.Conflict, op, imageID, "/member", "Member %s is duplicated for image %s", projectID, imageID)
	}
	if n := Members.Count(tx, "image", imageID); n >= MaxMembers {
		return Member{}, fault(cloud.Quota, op, imageID, "", "The limit has been exceeded on the number of allowed image members for this image. Attempted: %d, Maximum: %d", n+1, MaxMembers)
	}
	m := Member{ImageID: imageID, ProjectID: projectID, Status: Pending, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
	Members.Put(tx, m)
	return m, nil
}

// MemberUpdate says what a member thinks of the image. Error kinds: NotFound,
// Forbidden if it is not shared, Invalid.
func MemberUpdate(tx *statestore.Txn, c cloud.Caller, imageID, projectID string, s MemberStatus) (Member, error) {
	m, err := MemberGet(tx, c, imageID, projectID)
	if err != nil {
		return Member{}, err
	}
	if s != Pending && s != Accepted && s != Rejected {
		return Member{}, invalid("MemberUpdate", "/status", "Invalid status %.50q: it must be pending, accepted or rejected.", s)
	}
	m.Status, m.UpdatedAt = s, tx.Now()
	Members.Put(tx, m)
	return m, nil
}

// MemberDelete takes an offer back. Error kinds: NotFound, Forbidden if it is not shared.
func MemberDelete(tx *statestore.Txn, c cloud.Caller, imageID, projectID string) error {
	if _, err := MemberGet(tx, c, imageID, projectID); err != nil {
		return err
	}
	Members.Delete(tx, statestore.Key(imageID, projectID))
	return nil
}
