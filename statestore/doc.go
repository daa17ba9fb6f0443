// Package statestore keeps the state of a cloud: typed tables in an immutable,
// indexed snapshot in memory (hashicorp/go-memdb) over a durable engine.
//
// Domain packages declare their tables as package-level variables and read and
// write rows through them; server wiring opens one Store over an Engine and
// hands it to everybody. The package knows nothing of clouds, HTTP or hosts.
//
//	var Keypairs = statestore.NewTable(statestore.TableDef[Keypair]{
//		Name: "keypair", Version: 1,
//		Key:  func(k *Keypair) string { return k.ID },
//		Indexes: []statestore.Index[Keypair]{
//			{Name: "owner", Keys: func(k *Keypair) []string { return []string{k.UserID} }},
//		},
//	})
//
//	err := store.Write(ctx, func(tx *statestore.Txn) error {
//		if _, dup := Keypairs.Get(tx, id); dup { return errTaken }
//		Keypairs.Put(tx, Keypair{ID: id, UserID: user})
//		return nil
//	})
//	for k := range Keypairs.By(store.Snapshot(), "owner", user) { … }
//
// # How a write becomes true
//
// Transactions run one at a time, in order, on the memdb tree. Each adds its
// changes to the batch that is gathering; while the engine makes one batch
// durable the next one gathers, so that many writers share one fsync. When the
// batch is durable, the tree as it was at its end becomes the published
// snapshot, waiters wake, and the batch's writers are answered.
//
//	Write ─▶ fn(tx) ─▶ gathering batch ─▶ Engine.Commit ─▶ published ─▶ answer
//	         one at a time                  one at a time      └▶ Watch wakes
//
// # Invariants
//
//	I1  Snapshot, Watch and Log.Range show durable state only; a snapshot never changes.
//	I2  A Write is answered — well or with a refusal — only after all that it read
//	    and wrote is durable and published. Nobody is told what a crash could undo.
//	I3  Batches reach the engine in the order in which transactions ran, and each
//	    batch is all or nothing there. Revisions rise by one per transaction that
//	    changed something, also across restarts.
//	I4  If the engine cannot commit, nothing is written ever again and
//	    Options.OnFatal is called, once: the process must not serve what it cannot keep.
//	I5  A unique index holds at the end of every transaction (within one, rows may
//	    swap values).
//	I6  A fork never touches its parent nor an engine.
//	I7  Rows are immutable once stored. What a read returns shares slices and maps
//	    with the store: copy before changing.
//
// A transaction function must be free of side effects, clocks, randomness and
// I/O: Txn.Now and Txn.NewID hand in what it needs. It must not call Write.
//
// statestore imports nothing of server/ or hypervisor/. Engines live in
// sub-packages and are held to one contract by storetest.
package statestore
