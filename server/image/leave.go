package image

import (
	"slices"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// StoreLeave takes an image out of one of its stores. The bytes go with Drop, after
// the transaction. Error kinds: NotFound for an image that is not in that store;
// Forbidden if it is in no other; Conflict for one that is not active or is being
// imported.
func StoreLeave(tx *statestore.Txn, caller cloud.Caller, id, store string) (Image, error) {
	const op = "StoreLeave"
	i, err := ImageGet(tx, caller, id)
	if err != nil {
		return i, err
	}
	switch in := i.InStores(); {
	case i.Status != Active || i.TaskID != "":
		return i, fault(cloud.Conflict, op, id, "", "Only images with status active that are not being imported can leave a store; image %s is %s.", id, i.Status)
	case !slices.Contains(in, store):
		return i, fault(cloud.NotFound, op, id, "", "Image %s is not stored in store %.100s.", id, store)
	case len(in) == 1:
		return i, fault(cloud.Forbidden, op, id, "", "Image %s cannot leave store %s: it is in no other.", id, store)
	default:
		i.Stores = without(in, store)
	}
	touch(tx, i)
	return i, nil
}
