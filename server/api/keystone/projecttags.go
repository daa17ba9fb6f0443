package keystone

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
)

// Limits of tags, as Keystone's.
const (
	maxTags      = 80
	maxTagLength = 255 // characters
)

func tagRoutes() []front.Route {
	t := projectTarget
	return []front.Route{
		{Method: "GET", Path: "/projects/{id}/tags", Rule: "identity:project:get", Target: t, Handle: tagList},
		{Method: "PUT", Path: "/projects/{id}/tags", Rule: "identity:project:update", Target: t, Handle: tagReplace},
		{Method: "DELETE", Path: "/projects/{id}/tags", Rule: "identity:project:update", Target: t, Handle: tagClear},
		{Method: "GET", Path: "/projects/{id}/tags/{tag}", Rule: "identity:project:get", Target: t, Handle: tagShow},
		{Method: "PUT", Path: "/projects/{id}/tags/{tag}", Rule: "identity:project:update", Target: t, Handle: tagAdd},
		{Method: "DELETE", Path: "/projects/{id}/tags/{tag}", Rule: "identity:project:update", Target: t, Handle: tagDelete},
	}
}

// setTags stores tags that a body has, which at says. Error kind: Invalid.
func setTags(at string, given optional[[]string], to *[]string) error {
	if given.Set && given.Value == nil {
		return cloud.Errorf(cloud.Invalid, "tag", "Invalid input for field 'tags': null is not of type 'array'.").At(at)
	}
	given.to(to)
	return checkTags(at, *to)
}

// checkTags refuses tags that Keystone refuses. at is a JSON pointer to them.
func checkTags(at string, tags []string) error {
	if len(tags) > maxTags {
		return cloud.Errorf(cloud.Invalid, "tag", "Invalid input for field 'tags': there are more than %d.", maxTags).At(at)
	}
	for n, t := range tags {
		if t == "" || utf8.RuneCountInString(t) > maxTagLength || strings.ContainsAny(t, "/,") || slices.Index(tags, t) < n {
			return cloud.Errorf(cloud.Invalid, "tag", "Invalid input for field 'tags': a tag has 1 to %d characters, none of them / or a comma, and is given once.", maxTagLength).At(at + "/" + strconv.Itoa(n))
		}
	}
	return nil
}

// retag changes the tags of the project that the path names.
func retag(rq *front.Request, change func(tags []string) ([]string, error)) (identity.Project, error) {
	return edited(rq, identity.ProjectGet, func(p *identity.Project) (err error) {
		if p.Tags, err = change(slices.Clone(p.Tags)); err != nil {
			return err
		}
		return checkTags("/tags", p.Tags)
	}, identity.ProjectPut)
}

func noSuchTag(tag string) error {
	return cloud.Errorf(cloud.NotFound, "tag", "Could not find project tag: %s.", tag)
}

func tagList(rq *front.Request) (*front.Response, error) {
	p, err := identity.ProjectGet(rq.Read(), rq.PathValue("id"))
	return list(rq, "tags", p.Tags), err
}

func tagReplace(rq *front.Request) (*front.Response, error) {
	var b struct {
		Tags []string `json:"tags"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	p, err := retag(rq, func([]string) ([]string, error) { return b.Tags, nil })
	return list(rq, "tags", p.Tags), err
}

func tagClear(rq *front.Request) (*front.Response, error) {
	_, err := retag(rq, func([]string) ([]string, error) { return nil, nil })
	return front.NoContent(), err
}

func tagShow(rq *front.Request) (*front.Response, error) {
	p, err := identity.ProjectGet(rq.Read(), rq.PathValue("id"))
	if err == nil && !slices.Contains(p.Tags, rq.PathValue("tag")) {
		err = noSuchTag(rq.PathValue("tag"))
	}
	return front.NoContent(), err
}

func tagAdd(rq *front.Request) (*front.Response, error) {
	tag := rq.PathValue("tag")
	_, err := retag(rq, func(tags []string) ([]string, error) {
		if slices.Contains(tags, tag) {
			return tags, nil
		}
		return append(tags, tag), nil
	})
	return &front.Response{Status: http.StatusCreated}, err
}

func tagDelete(rq *front.Request) (*front.Response, error) {
	tag := rq.PathValue("tag")
	_, err := retag(rq, func(tags []string) ([]string, error) {
		n := slices.Index(tags, tag)
		if n < 0 {
			return nil, noSuchTag(tag)
		}
		return slices.Delete(tags, n, n+1), nil
	})
	return front.NoContent(), err
}
