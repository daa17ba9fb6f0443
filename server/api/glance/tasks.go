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
)

func taskRoutes() []front.Route {
	return []front.Route{
		{Method: "GET", Path: "/images/{image}/tasks", Rule: "image:task:list_of_image", Target: imageTarget, Handle: imageTasks},
		{Method: "GET", Path: "/tasks", Rule: "image:task:list", Handle: taskList},
		{Method: "GET", Path: "/tasks/{task}", Rule: "image:task:get", Handle: taskShow},
		{Method: "POST", Path: "/tasks", Rule: "image:task:create", Handle: taskCreate},
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

func renderTask(t task.Task, detail bool) taskWire {
	w := taskWire{ID: t.ID, Type: t.Kind, Status: string(t.State), Owner: t.ProjectID, ImageID: t.Subject, RequestID: t.RequestID, UserID: t.UserID,
		ExpiresAt: null, CreatedAt: stamp(t.CreatedAt), UpdatedAt: stamp(t.UpdatedAt), Self: "/v2/tasks/" + t.ID, Schema: "/v2/schemas/task"}
	if !t.State.Open() {
		w.ExpiresAt = stamp(t.ExpiresAt)
	}
	if !detail {
		return w
	}
	w.Result, w.Message, w.Progress = null, &t.Message, &t.Progress
	var in image.ImportInput
	if json.Unmarshal(t.Input, &in) == nil {
		w.Input, _ = json.Marshal(in)
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
		if t.Kind == image.ImportTask && is("status", string(t.State)) && is("type", t.Kind) && is("owner", t.ProjectID) {
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

// taskCreate answers the call that Glance has deprecated for imports.
func taskCreate(*front.Request) (*front.Response, error) {
	return nil, cloud.Errorf(cloud.Unsupported, "task", "Tasks are made by imports: use POST /v2/images/{image_id}/import.")
}
