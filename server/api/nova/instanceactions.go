package nova

import (
	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/compute"
)

type actionWire struct {
	Action    string `json:"action"`
	Instance  string `json:"instance_uuid"`
	RequestID string `json:"request_id"`
	UserID    string `json:"user_id"`
	ProjectID string `json:"project_id"`
	Start     any    `json:"start_time"`
	Message   any    `json:"message"`
	Updated   any    `json:"updated_at,omitzero"` // 2.58
	Events    any    `json:"events,omitzero"`
}

type eventWire struct {
	Event     string `json:"event"`
	Start     any    `json:"start_time"`
	Finish    any    `json:"finish_time"`
	Result    any    `json:"result"`
	Traceback any    `json:"traceback,omitzero"`
	Host      any    `json:"host,omitzero"`    // 2.62, admins
	HostID    any    `json:"hostId,omitzero"`  // 2.62
	Details   any    `json:"details,omitzero"` // 2.84
}

func renderAction(rq *front.Request, i compute.Instance, a compute.Action) actionWire {
	w := actionWire{Action: a.Name, Instance: i.ID, RequestID: a.RequestID, UserID: a.UserID, ProjectID: a.ProjectID, Start: longStamp(a.StartedAt), Message: orNull(a.Message)}
	if rq.Version.AtLeast(58) {
		w.Updated = longStamp(a.UpdatedAt)
	}
	return w
}

func actionList(rq *front.Request) (*front.Response, error) {
	i, err := server(rq)
	if err != nil {
		return nil, err
	}
	as, err := compute.ActionsOf(rq.Context(), rq.Read(), i.ID)
	if err != nil {
		return nil, err
	}
	more := false
	if rq.Version.AtLeast(58) {
		as, more, err = front.Page(rq.Query(), as, front.Paging[compute.Action]{ID: func(a *compute.Action) string { return a.RequestID },
			Sorts: map[string]func(a, b *compute.Action) int{"created_at": func(a, b *compute.Action) int { return a.StartedAt.Compare(b.StartedAt) }}, Default: "created_at:desc"})
		if err != nil {
			return nil, err
		}
	}
	out := make([]actionWire, len(as))
	for n, a := range as {
		out[n] = renderAction(rq, i, a)
	}
	body := map[string]any{"instanceActions": out}
	if more {
		body["links"] = nextLinks(rq, "/servers/"+i.ID+"/os-instance-actions", more, as[len(as)-1].RequestID)
	}
	return front.OK(body), nil
}

func actionShow(rq *front.Request) (*front.Response, error) {
	i, err := server(rq)
	if err != nil {
		return nil, err
	}
	as, err := compute.ActionsOf(rq.Context(), rq.Read(), i.ID)
	if err != nil {
		return nil, err
	}
	for _, a := range as {
		if a.RequestID != rq.PathValue("request") {
			continue
		}
		w := renderAction(rq, i, a)
		admin := rq.Can("compute:action:events", cloud.Target{})
		if admin || rq.Version.AtLeast(51) {
			events := []eventWire{}
			for _, e := range a.Events {
				events = append(events, renderEvent(rq, i, e, admin))
			}
			w.Events = events
		}
		return front.OK(map[string]any{"instanceAction": w}), nil
	}
	return nil, cloud.Errorf(cloud.NotFound, "instance", "Action for request_id %s on instance %s not found", rq.PathValue("request"), i.ID)
}

func renderEvent(rq *front.Request, i compute.Instance, e compute.ActionEvent, admin bool) eventWire {
	w := eventWire{Event: e.Name, Start: longStamp(e.StartedAt), Finish: longStamp(e.FinishedAt), Result: orNull(e.Result)}
	if admin {
		w.Traceback = null
	}
	if rq.Version.AtLeast(62) {
		w.HostID = hostHash(i)
		if h, ok := compute.Hosts.Get(rq.Read(), e.HostID); admin && ok {
			w.Host = h.Name
		}
	}
	if rq.Version.AtLeast(84) {
		w.Details = orNull(e.Details)
	}
	return w
}
