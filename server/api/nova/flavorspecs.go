package nova

import (
	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
	"github.com/cloudlet/cloudlet/statestore"
)

func specList(rq *front.Request) (*front.Response, error) {
	f, err := compute.FlavorGet(rq.Read(), rq.Caller, rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return front.OK(map[string]any{"extra_specs": specsOf(f)}), nil
}

func specShow(rq *front.Request) (*front.Response, error) {
	f, err := compute.FlavorGet(rq.Read(), rq.Caller, rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	key := rq.PathValue("key")
	value, ok := f.ExtraSpecs[key]
	if !ok {
		return nil, cloud.Errorf(cloud.NotFound, "flavor", "Flavor %s has no extra specs with key %s.", f.ID, key)
	}
	return front.OK(map[string]string{key: value}), nil
}

func specSet(rq *front.Request, specs map[string]string) error {
	return rq.Write(func(tx *statestore.Txn) error {
		_, err := compute.FlavorSpecsSet(tx, rq.Caller, rq.PathValue("id"), specs)
		return err
	})
}

func specCreate(rq *front.Request) (*front.Response, error) {
	var b struct {
		ExtraSpecs items `json:"extra_specs"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	specs, err := b.ExtraSpecs.at("/extra_specs")
	if err != nil {
		return nil, err
	}
	if specs == nil {
		return nil, cloud.Errorf(cloud.Invalid, "flavor", "Invalid input for field/attribute extra_specs: it is a required property.").At("/extra_specs")
	}
	return front.OK(map[string]any{"extra_specs": specs}), specSet(rq, specs)
}

func specUpdate(rq *front.Request) (*front.Response, error) {
	var b items
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	key := rq.PathValue("key")
	if _, ok := b[key]; !ok || len(b) != 1 {
		return nil, cloud.Errorf(cloud.Invalid, "flavor", "Request body and URI mismatch")
	}
	specs, err := b.at("")
	if err != nil {
		return nil, err
	}
	return front.OK(specs), specSet(rq, specs)
}

func specDelete(rq *front.Request) (*front.Response, error) {
	err := rq.Write(func(tx *statestore.Txn) error {
		return compute.FlavorSpecUnset(tx, rq.Caller, rq.PathValue("id"), rq.PathValue("key"))
	})
	return &front.Response{Status: 200}, err
}

type flavorAccess struct {
	FlavorID string `json:"flavor_id"`
	TenantID string `json:"tenant_id"`
}

func renderAccess(f compute.Flavor) map[string][]flavorAccess {
	out := make([]flavorAccess, len(f.Projects))
	for n, p := range f.Projects {
		out[n] = flavorAccess{f.ID, p}
	}
	return map[string][]flavorAccess{"flavor_access": out}
}

func accessList(rq *front.Request) (*front.Response, error) {
	f, err := compute.FlavorGet(rq.Read(), rq.Caller, rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if f.Public {
		return nil, cloud.Errorf(cloud.NotFound, "flavor", "Access list not available for public flavors.")
	}
	return front.OK(renderAccess(f)), nil
}

func accessChange(give bool) front.Handler {
	return func(rq *front.Request) (*front.Response, error) {
		type project struct {
			Tenant string `json:"tenant"`
		}
		var b struct {
			Add    project `json:"addTenantAccess"`
			Remove project `json:"removeTenantAccess"`
		}
		if err := rq.Decode(&b); err != nil {
			return nil, err
		}
		id := b.Add.Tenant
		if !give {
			id = b.Remove.Tenant
		}
		if id == "" {
			return nil, cloud.Errorf(cloud.Invalid, "flavor", "Missing tenant parameter.")
		}
		var f compute.Flavor
		err := rq.Write(func(tx *statestore.Txn) (err error) {
			f, err = compute.FlavorAccess(tx, rq.Caller, rq.PathValue("id"), id, give)
			return err
		})
		return front.OK(renderAccess(f)), err
	}
}
