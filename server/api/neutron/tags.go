package neutron

import (
	"net/http"
	"slices"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

func (s *resource[T]) tagRoutes() []front.Route {
	const set = "network:tag:set"
	all, one := s.path+"/{id}/tags", s.path+"/{id}/tags/{tag}"
	return []front.Route{
		{Method: "GET", Path: all, Rule: s.rule("get"), Target: s.load, Handle: s.tagList},
		{Method: "PUT", Path: all, Rule: set, Target: s.load, Handle: s.tagReplace},
		{Method: "DELETE", Path: all, Rule: set, Target: s.load, Handle: s.tagClear},
		{Method: "GET", Path: one, Rule: s.rule("get"), Target: s.load, Handle: s.tagShow},
		{Method: "PUT", Path: one, Rule: set, Target: s.load, Handle: s.tagAdd},
		{Method: "DELETE", Path: one, Rule: set, Target: s.load, Handle: s.tagDelete},
	}
}

func tagMissing(tag string) error {
	return cloud.Errorf(cloud.NotFound, "tag", "Tag %s could not be found.", tag)
}

func (s *resource[T]) tagList(rq *front.Request) (*front.Response, error) {
	t, _, err := s.find(rq, rq.Read(), rq.PathValue("id"))
	return front.OK(map[string][]string{"tags": s.tags(&t)}), err
}

func (s *resource[T]) tagShow(rq *front.Request) (*front.Response, error) {
	t, _, err := s.find(rq, rq.Read(), rq.PathValue("id"))
	if err == nil && !slices.Contains(s.tags(&t), rq.PathValue("tag")) {
		err = tagMissing(rq.PathValue("tag"))
	}
	return front.NoContent(), err
}

// tagChange gives the resource the tags that change makes of those it has.
func (s *resource[T]) tagChange(rq *front.Request, change func(have []string) ([]string, error)) error {
	return rq.Write(func(tx *statestore.Txn) error {
		t, _, err := s.current(rq, tx)
		if err != nil {
			return err
		}
		tags, err := change(slices.Clone(s.tags(&t)))
		if err != nil {
			return err
		}
		return s.retag(tx, rq.Caller, rq.PathValue("id"), tags)
	})
}

func (s *resource[T]) tagReplace(rq *front.Request) (*front.Response, error) {
	var b struct {
		Tags *[]string `json:"tags"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	if b.Tags == nil {
		return nil, cloud.Errorf(cloud.Invalid, "tag", "Invalid tags body").At("/tags")
	}
	if err := s.tagChange(rq, func([]string) ([]string, error) { return *b.Tags, nil }); err != nil {
		return nil, err
	}
	return s.tagList(rq)
}

func (s *resource[T]) tagClear(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), s.tagChange(rq, func([]string) ([]string, error) { return nil, nil })
}

func (s *resource[T]) tagAdd(rq *front.Request) (*front.Response, error) {
	err := s.tagChange(rq, func(have []string) ([]string, error) { return append(have, rq.PathValue("tag")), nil })
	return &front.Response{Status: http.StatusCreated}, err
}

func (s *resource[T]) tagDelete(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), s.tagChange(rq, func(have []string) ([]string, error) {
		i := slices.Index(have, rq.PathValue("tag"))
		if i < 0 {
			return nil, tagMissing(rq.PathValue("tag"))
		}
		return slices.Delete(have, i, i+1), nil
	})
}
