package image

// Status is where an image is in its life.
//
//	                 upload                  done
//	create ─▶ queued ──────▶ saving ───────────────▶ active ◀──────────┐
//	           ▲ ▲ │            │                      │  ▲   reactivate│
//	           │ │ │ interrupted│                      │  └─────────────┤
//	           │ └─┼────────────┤           deactivate └──────▶ deactivated
//	           │   │            │ refused
//	           │   │            └──────▶ killed
//	           │   │ stage                 import                  done
//	           │   ├───────▶ uploading ────────────▶ importing ─────────▶ active
//	           │   │ import      │ interrupted       ▲   │ failed
//	           │   └─────────────┼───────────────────┘   │
//	           └─────────────────┴───────────────────────┘
//
//	any ── delete ──▶ deleted (the row is gone)
//	any with bytes ── delete, if it is delayed ──▶ pending_delete ──▶ deleted
//	pending_delete ── restore, by the operator ──▶ active, or deactivated if it was
//
// An upload that is interrupted (the client went, the server stopped, the disk
// is full) leaves the image queued, as if it had not been. One whose bytes are
// refused kills the image, so that its owner sees why. An import that failed
// leaves the image queued; its task tells why.
type Status string

// The statuses, as Glance v2 names them.
const (
	Queued        Status = "queued"
	Saving        Status = "saving"
	Uploading     Status = "uploading"
	Importing     Status = "importing"
	Active        Status = "active"
	Killed        Status = "killed"
	Deactivated   Status = "deactivated"
	PendingDelete Status = "pending_delete"
	Deleted       Status = "deleted" // told on the wire only; there is no such row
)

// Event is what happens to an image.
type Event string

// The events.
const (
	Upload      Event = "upload"
	Stage       Event = "stage"
	Import      Event = "import"
	Done        Event = "done"
	Interrupted Event = "interrupted"
	Refused     Event = "refused"
	Failed      Event = "failed"
	Deactivate  Event = "deactivate"
	Reactivate  Event = "reactivate"
	Delete      Event = "delete"
	DeleteLater Event = "delete later"
	Restore     Event = "restore"
)

// transitions is the whole life. An event that is not listed for a status is
// refused.
var transitions = map[Status]map[Event]Status{
	Queued:        {Upload: Saving, Stage: Uploading, Import: Importing, Delete: Deleted},
	Saving:        {Done: Active, Interrupted: Queued, Refused: Killed, Delete: Deleted},
	Uploading:     {Interrupted: Queued, Import: Importing, Delete: Deleted},
	Importing:     {Done: Active, Failed: Queued, Delete: Deleted, DeleteLater: PendingDelete},
	Active:        {Deactivate: Deactivated, Reactivate: Active, Delete: Deleted, DeleteLater: PendingDelete},
	Deactivated:   {Reactivate: Active, Deactivate: Deactivated, Delete: Deleted, DeleteLater: PendingDelete},
	Killed:        {Delete: Deleted},
	PendingDelete: {Delete: Deleted, Restore: Active},
}

// Next returns the status after the event, false if it is not possible.
func Next(s Status, e Event) (Status, bool) {
	to, ok := transitions[s][e]
	return to, ok
}
