package nova

import (
	"cmp"
	"hash/fnv"
	"strings"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/statestore"
)

func (a *api) keypairRoutes() []front.Route {
	t := keypairTarget
	return []front.Route{
		{Method: "GET", Path: "/os-keypairs", Rule: "compute:keypair:list", Target: t, Handle: keypairList},
		{Method: "POST", Path: "/os-keypairs", Rule: "compute:keypair:create", Handle: keypairCreate},
		{Method: "GET", Path: "/os-keypairs/{name}", Rule: "compute:keypair:get", Target: t, Handle: keypairShow},
		{Method: "DELETE", Path: "/os-keypairs/{name}", Rule: "compute:keypair:delete", Target: t, Handle: keypairDelete},
	}
}

// keypairUser is whose keypairs are meant: the caller's, or from 2.10 those of
// the user that the query names.
func keypairUser(rq *front.Request) string {
	if rq.Version.AtLeast(10) {
		return cmp.Or(rq.Query().Get("user_id"), rq.Caller.UserID)
	}
	return rq.Caller.UserID
}

func keypairTarget(rq *front.Request) (cloud.Target, error) {
	return cloud.Target{UserID: keypairUser(rq), Public: true}, nil
}

type keypairWire struct {
	Name        string `json:"name"`
	PublicKey   string `json:"public_key"`
	Fingerprint string `json:"fingerprint"`
	Type        string `json:"type,omitzero"` // 2.2
	PrivateKey  string `json:"private_key,omitzero"`
	UserID      string `json:"user_id,omitzero"`
	ID          any    `json:"id,omitzero"`
	CreatedAt   any    `json:"created_at,omitzero"`
	Deleted     any    `json:"deleted,omitzero"`
	DeletedAt   any    `json:"deleted_at,omitzero"`
	UpdatedAt   any    `json:"updated_at,omitzero"`
}

func renderKeypair(rq *front.Request, k compute.Keypair) keypairWire {
	w := keypairWire{Name: k.Name, PublicKey: k.PublicKey, Fingerprint: k.Fingerprint}
	if rq.Version.AtLeast(2) {
		w.Type = k.Type
	}
	return w
}

func keypairList(rq *front.Request) (*front.Response, error) {
	var ks []compute.Keypair
	for k := range compute.Keypairs.By(rq.Read(), "user", keypairUser(rq)) {
		ks = append(ks, k)
	}
	more := false
	if rq.Version.AtLeast(35) {
		var err error
		if ks, more, err = front.Page(rq.Query(), ks, front.Paging[compute.Keypair]{ID: func(k *compute.Keypair) string { return k.Name }}); err != nil {
			return nil, err
		}
	}
	out := make([]map[string]keypairWire, len(ks))
	for n, k := range ks {
		out[n] = map[string]keypairWire{"keypair": renderKeypair(rq, k)}
	}
	body := map[string]any{"keypairs": out}
	if more {
		body["keypairs_links"] = nextLinks(rq, "/os-keypairs", more, ks[len(ks)-1].Name)
	}
	return front.OK(body), nil
}

func keypairShow(rq *front.Request) (*front.Response, error) {
	k, err := compute.KeypairGet(rq.Read(), keypairUser(rq), rq.PathValue("name"))
	if err != nil {
		return nil, err
	}
	w := renderKeypair(rq, k)
	w.UserID, w.ID, w.CreatedAt, w.Deleted, w.DeletedAt, w.UpdatedAt = k.UserID, number(k.UserID+k.Name), longStamp(k.CreatedAt), false, null, null
	return front.OK(map[string]keypairWire{"keypair": w}), nil
}

// number makes a stable positive integer of a name, for wire formats that had a
// database's row number there.
func number(s string) int {
	h := fnv.New32a()
	h.Write([]byte(s))
	return int(h.Sum32() >> 1)
}

func keypairCreate(rq *front.Request) (*front.Response, error) {
	var b struct {
		Keypair struct {
			Name      string `json:"name"`
			Type      string `json:"type"`       // 2.2
			PublicKey string `json:"public_key"` // empty: make one
			UserID    string `json:"user_id"`    // 2.10
		} `json:"keypair"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	w := b.Keypair
	switch {
	case w.Type != "" && !rq.Version.AtLeast(2):
		return nil, unexpected("/keypair", "type")
	case w.UserID != "" && !rq.Version.AtLeast(10):
		return nil, unexpected("/keypair", "user_id")
	}
	k := compute.Keypair{UserID: cmp.Or(w.UserID, rq.Caller.UserID), Name: w.Name, Type: cmp.Or(w.Type, "ssh"), PublicKey: strings.TrimSpace(w.PublicKey)}
	if k.UserID != rq.Caller.UserID {
		if err := rq.Require("compute:keypair:create", cloud.Target{UserID: k.UserID}); err != nil {
			return nil, err
		}
	}
	private := ""
	if k.PublicKey == "" {
		var err error
		if k.PublicKey, private, err = compute.KeyGenerate("Generated-by-Cloudlet"); err != nil {
			return nil, err
		}
	}
	err := rq.Write(func(tx *statestore.Txn) error {
		made, err := compute.KeypairCreate(tx, k)
		if err == nil {
			k = made
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := renderKeypair(rq, k)
	out.UserID, out.PrivateKey = k.UserID, private
	resp := front.OK(map[string]keypairWire{"keypair": out})
	if rq.Version.AtLeast(2) {
		resp.Status = 201
	}
	return resp, nil
}

func keypairDelete(rq *front.Request) (*front.Response, error) {
	err := rq.Write(func(tx *statestore.Txn) error {
		return compute.KeypairDelete(tx, keypairUser(rq), rq.PathValue("name"))
	})
	if rq.Version.AtLeast(2) {
		return front.NoContent(), err
	}
	return front.Accepted(nil), err
}
