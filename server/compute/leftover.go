package compute

import "github.com/cloudlet/cloudlet/statestore"

// Leftover is an instance that was removed while its host could not be asked:
// something of it may still be there. Its id is not given to another until the
// host has told that it is gone, or that one would find the first one's disk.
type Leftover struct{ InstanceID, HostID string }

// Leftovers is the table of leftovers.
var Leftovers = statestore.NewTable(statestore.TableDef[Leftover]{Name: "instance_leftover", Version: 1, Key: func(l *Leftover) string { return l.InstanceID }})

// leave notes a leftover if the instance's host cannot be asked to take it away.
func leave(tx *statestore.Txn, i Instance) {
	if h, ok := Hosts.Get(tx, i.HostID); ok && !h.Alive() && tx.Base() == nil {
		Leftovers.Put(tx, Leftover{i.ID, h.ID})
	}
}

// idTaken reports whether an instance has the id, or may have left something under it.
func idTaken(r statestore.Reader, id string) bool {
	if _, left := Leftovers.Get(r, id); left {
		return true
	}
	_, taken := Instances.Get(r, id)
	return taken
}
