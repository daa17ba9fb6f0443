package glance

import (
	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/statestore"
)

func memberRoutes() []front.Route {
	t := imageTarget
	return []front.Route{
		{Method: "GET", Path: "/images/{image}/members", Rule: "image:member:list", Target: t, Handle: memberList},
		{Method: "POST", Path: "/images/{image}/members", Rule: "image:member:create", Target: t, Handle: memberCreate},
		{Method: "GET", Path: "/images/{image}/members/{member}", Rule: "image:member:get", Target: t, Handle: memberShow},
		{Method: "PUT", Path: "/images/{image}/members/{member}", Rule: "image:member:update", Target: memberTarget, Handle: memberUpdate},
		{Method: "DELETE", Path: "/images/{image}/members/{member}", Rule: "image:member:delete", Target: t, Handle: memberDelete},
	}
}

// memberTarget is the image of the path, with the caller as a member only if it
// is the member of the path: nobody accepts for another project.
func memberTarget(rq *front.Request) (cloud.Target, error) {
	t, err := imageTarget(rq)
	if err == nil && rq.Visible(t) && rq.PathValue("member") != rq.Caller.ProjectID {
		t.Public = true // seen already
		delete(t.Attr, "member")
	}
	return t, err
}

type memberWire struct {
	ImageID   string `json:"image_id"`
	MemberID  string `json:"member_id"`
	Status    string `json:"status"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
	Schema    string `json:"schema"`
}

func renderMember(m image.Member) memberWire {
	return memberWire{m.ImageID, m.ProjectID, string(m.Status), stamp(m.CreatedAt), stamp(m.UpdatedAt), "/v2/schemas/member"}
}

// memberAnswer answers with one member.
func memberAnswer(m image.Member, err error) (*front.Response, error) {
	if err != nil {
		return nil, err
	}
	return front.OK(renderMember(m)), nil
}

func memberList(rq *front.Request) (*front.Response, error) {
	ms, err := image.MemberList(rq.Read(), rq.Caller, rq.PathValue("image"))
	if err != nil {
		return nil, err
	}
	out := make([]memberWire, len(ms))
	for n, m := range ms {
		out[n] = renderMember(m)
	}
	return front.OK(struct {
		Members []memberWire `json:"members"`
		Schema  string       `json:"schema"`
	}{out, "/v2/schemas/members"}), nil
}

func memberShow(rq *front.Request) (*front.Response, error) {
	return memberAnswer(image.MemberGet(rq.Read(), rq.Caller, rq.PathValue("image"), rq.PathValue("member")))
}

func memberCreate(rq *front.Request) (*front.Response, error) {
	var b struct {
		Member string `json:"member"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	return memberAnswer(write(rq, func(tx *statestore.Txn) (image.Member, error) {
		return image.MemberCreate(tx, rq.Caller, rq.PathValue("image"), b.Member)
	}))
}

func memberUpdate(rq *front.Request) (*front.Response, error) {
	var b struct {
		Status image.MemberStatus `json:"status"`
		Member string             `json:"member"` // openstacksdk says once more who it is; Glance does not look
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	return memberAnswer(write(rq, func(tx *statestore.Txn) (image.Member, error) {
		return image.MemberUpdate(tx, rq.Caller, rq.PathValue("image"), rq.PathValue("member"), b.Status)
	}))
}

func memberDelete(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error {
		return image.MemberDelete(tx, rq.Caller, rq.PathValue("image"), rq.PathValue("member"))
	})
}
