package task

import (
	"encoding/json"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// State is where a task is in its life.
//
//	pending ── first step begins ─▶ processing ── done ─▶ success
//	                                     └─ failed for too long ─▶ failure
type State string

// The states, as Glance names them.
const (
	Pending    State = "pending"
	Processing State = "processing"
	Success    State = "success"
	Failure    State = "failure"
)

// Open reports whether a task in the state still has steps before it.
func (s State) Open() bool { return s == Pending || s == Processing }

// Task is one piece of work.
type Task struct {
	ID        string
	Kind      string // which Kind runs it
	Subject   string // the id of the resource that it is about
	ProjectID string // whose it is
	UserID    string // who asked for it
	RequestID string // of the request that asked for it

	Input json.RawMessage // what was asked for; the kind's own
	Data  json.RawMessage // what its steps know of each other; the kind's own
	State State
	Step  string // the next one, "" once it has ended

	Progress int    // per cent of the step under way
	Message  string // for who asked: how far it is, or why it failed

	Tries        int       // of this step in a row that failed
	FailingSince time.Time // when the first of them did
	NotBefore    time.Time // when the step is due

	CreatedAt, UpdatedAt, EndedAt time.Time // UTC
	ExpiresAt                     time.Time // when the row of an ended task goes
}

// Tasks is the table of tasks.
//
//   - subject: the resource
//   - owner: the project
//   - open: "1" for those that have not ended
//   - expires: the time at which an ended one's row goes, sortable
var Tasks = statestore.NewTable(statestore.TableDef[Task]{
	Name:    "task",
	Version: 1,
	Key:     func(t *Task) string { return t.ID },
	Indexes: []statestore.Index[Task]{
		{Name: "subject", Keys: func(t *Task) []string { return []string{t.Subject} }},
		{Name: "owner", Keys: func(t *Task) []string { return []string{t.ProjectID} }},
		{Name: "open", Keys: func(t *Task) []string {
			if !t.State.Open() {
				return nil
			}
			return []string{"1"}
		}},
		{Name: "expires", Keys: func(t *Task) []string {
			if t.State.Open() {
				return nil
			}
			return []string{t.ExpiresAt.UTC().Format(sortable)}
		}},
	},
})

const sortable = "20060102T150405.000000000"

// Tables are the package's tables, for statestore.Options.
var Tables = []statestore.AnyTable{Tasks}

// Spec says what a new task is to do.
type Spec struct {
	Kind    string
	Subject string
	Owner   string // the project; default: the caller's
	Input   any    // becomes Task.Input
	Step    string // the first one
	After   time.Duration
}

// Create writes a new task's row. It is called in the transaction of the change
// that needs the task; an engine begins it once that is durable.
func Create(tx *statestore.Txn, c cloud.Caller, s Spec) (Task, error) {
	input, err := json.Marshal(s.Input)
	if err != nil {
		return Task{}, err
	}
	t := Task{ID: tx.NewID(), Kind: s.Kind, Subject: s.Subject, ProjectID: s.Owner, UserID: c.UserID, RequestID: c.RequestID,
		Input: input, State: Pending, Step: s.Step, NotBefore: tx.Now().Add(s.After), CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
	if t.ProjectID == "" {
		t.ProjectID = c.ProjectID
	}
	Tasks.Put(tx, t)
	return t, nil
}
