package glance

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/image"
	"github.com/cloudlet/cloudlet/server/task"
	"github.com/cloudlet/cloudlet/statestore"
)

func (a *api) taskRoutes() []front.Route {
	return []front.Route{
		{Method: "GET", Path: "/images/{image}/tasks", Rule: "image:task:list_of_image", Target: imageTarget, Handle: imageTasks},
		{Method: "GET", Path: "/tasks", Rule: "image:task:list", Handle: taskList},
		{Method: "GET", Path: "/tasks/{task}", Rule: "image:task:get", Handle: taskShow},
		{Method: "POST", Path: "/tasks", Rule: "image:task:create", Handle: a.taskCreate},
	}
}

// taskWire is a task as Glance renders it. A list leaves out what is nil.
type taskWire struct {
	ID        string         `json:"id"`
	Type      string         `json:"type"`
	Status    string         `json:"status"`
	Owner     string         `json:"owner"`
	ImageID   string         `json:"image_id"`
	RequestID string         `json:"request_id"`
	UserID    string         `json:"user_id"`
	ExpiresAt any            `json:"expires_at"`
	CreatedAt string         `json:"created_at"`
	UpdatedAt string         `json:"updated_at"`
	Self      string         `json:"self"`
	Schema    string         `json:"schema"`
	Input     jsontext.Value `json:"input,omitzero"`
	Result    any            `json:"result,omitzero"`
	Message   *string        `json:"message,omitzero"`
	Progress  *int           `json:"progress,omitzero"` // ours: per cent of the step under way
}

// importType is the type of an import's task that was made by itself, not by an image's
// import.
const importType = "import"

// inputOf reads what an import's task was asked for, and of which type it is.
func inputOf(t task.Task) (in image.ImportInput, kind string) {
	if json.Unmarshal(t.Input, &in) == nil && in.AsTask {
		return in, importType
	}
	return in, t.Kind
}

func renderTask(t task.Task, detail bool) taskWire {
	in, kind := inputOf(t)
	w := taskWire{ID: t.ID, Type: kind, Status: string(t.State), Owner: t.ProjectID, ImageID: t.Subject, RequestID: t.RequestID, UserID: t.UserID,
		ExpiresAt: null, CreatedAt: stamp(t.CreatedAt), UpdatedAt: stamp(t.UpdatedAt), Self: "/v2/tasks/" + t.ID, Schema: "/v2/schemas/task"}
	if !t.State.Open() {
		w.ExpiresAt = stamp(t.ExpiresAt)
	}
	if !detail {
		return w
	}
	w.Result, w.Message, w.Progress = null, &t.Message, &t.Progress
	if w.Input, _ = json.Marshal(in); in.AsTask {
		w.Input = jsontext.Value(in.Request)
	}
	if t.State == task.Success {
		w.Result = map[string]string{"image_id": t.Subject}
	}
	return w
}

// imageTasks answers with the tasks of an image, the oldest first.
func imageTasks(rq *front.Request) (*front.Response, error) {
	out := []taskWire{}
	found := slices.SortedFunc(task.Tasks.By(rq.Read(), "subject", rq.PathValue("image")), func(a, b task.Task) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for _, t := range found {
		if t.Kind == image.ImportTask {
			out = append(out, renderTask(t, true))
		}
	}
	return front.OK(map[string]any{"tasks": out}), nil
}

var taskPaging = front.Paging[task.Task]{
	ID:      func(t *task.Task) string { return t.ID },
	Default: "created_at:desc,id:desc", DefaultDir: "desc", DefaultLimit: 25, Max: 1000,
	Sorts: map[string]func(a, b *task.Task) int{
		"id":         func(a, b *task.Task) int { return cmp.Compare(a.ID, b.ID) },
		"type":       func(a, b *task.Task) int { return cmp.Compare(a.Kind, b.Kind) },
		"status":     func(a, b *task.Task) int { return cmp.Compare(a.State, b.State) },
		"created_at": func(a, b *task.Task) int { return a.CreatedAt.Compare(b.CreatedAt) },
		"updated_at": func(a, b *task.Task) int { return a.UpdatedAt.Compare(b.UpdatedAt) },
		"expires_at": func(a, b *task.Task) int { return a.ExpiresAt.Compare(b.ExpiresAt) },
	},
}

func taskList(rq *front.Request) (*front.Response, error) {
	q := rq.Query()
	is := func(name, v string) bool { return !q.Has(name) || q.Get(name) == v }
	var found []task.Task
	for t := range task.Tasks.All(rq.Read()) {
		_, kind := inputOf(t)
		if t.Kind == image.ImportTask && is("status", string(t.State)) && is("type", kind) && is("owner", t.ProjectID) {
			found = append(found, t)
		}
	}
	page, more, err := front.Page(q, found, taskPaging)
	if err != nil {
		return nil, err
	}
	w := struct {
		Tasks  []taskWire `json:"tasks"`
		First  string     `json:"first"`
		Next   string     `json:"next,omitzero"`
		Schema string     `json:"schema"`
	}{make([]taskWire, len(page)), withQuery("/v2/tasks", first(q)), "", "/v2/schemas/tasks"}
	for n, t := range page {
		w.Tasks[n] = renderTask(t, false)
	}
	if more && len(page) > 0 {
		w.Next = withQuery("/v2/tasks", front.NextQuery(q, page[len(page)-1].ID))
	}
	return front.OK(w), nil
}

func taskShow(rq *front.Request) (*front.Response, error) {
	t, ok := task.Tasks.Get(rq.Read(), rq.PathValue("task"))
	if !ok || t.Kind != image.ImportTask {
		return nil, cloud.Missing("task", rq.PathValue("task"))
	}
	return front.OK(renderTask(t, true)), nil
}

// taskInput is the input of a task of the type import: an image is made, and its bytes
// are fetched.
type taskInput struct {
	From       string                    `json:"import_from"`
	Format     string                    `json:"import_from_format"` // Glance asks for it, and goes by the image's
	Properties map[string]jsontext.Value `json:"image_properties"`
}

type taskBody struct {
	Type  string     `json:"type"`
	Input *taskInput `json:"input"`
}

func (b *taskBody) check() error {
	switch {
	case b.Type != importType:
		return invalid("/type", "Invalid task type %.50q: tasks that are made by themselves are of the type import.", b.Type)
	case b.Input == nil || b.Input.From == "" || b.Input.Format == "" || b.Input.Properties == nil:
		return invalid("/input", "Input does not contain 'import_from', 'import_from_format' and 'image_properties'.")
	}
	return nil
}

// taskCreate makes an image and begins its import.
func (a *api) taskCreate(rq *front.Request) (*front.Response, error) {
	var b taskBody
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	if err := a.Fetcher.Check(b.Input.From); err != nil {
		return nil, cloud.AsError(err).At("/input/import_from")
	}
	d, err := drafted(rq, b.Input.Properties)
	if err != nil {
		return nil, err
	}
	ir := image.ImportRequest{Method: image.Web, URI: b.Input.From, AllMustSucceed: true, AsTask: true}
	if ir.Body, err = json.Marshal(b.Input); err != nil {
		return nil, err
	}
	t, err := write(rq, func(tx *statestore.Txn) (task.Task, error) {
		i, err := a.Content.ImageCreate(tx, rq.Caller, d.id, d.change)
		if err != nil {
			return task.Task{}, err
		}
		return a.Content.ImportCreate(tx, rq.Caller, i.ID, ir)
	})
	if err != nil {
		return nil, err
	}
	return front.Created(renderTask(t, true)).With("Location", rq.URL("/v2/tasks/"+t.ID)), nil
}
