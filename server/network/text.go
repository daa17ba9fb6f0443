package network

import (
	"slices"
	"unicode/utf8"

	"github.com/cloudlet/cloudlet/server/cloud"
)

// maxText is Neutron's limit for names and descriptions, in characters.
const maxText = 255

func checkText(op, resource string, texts map[string]string) error {
	for _, field := range []string{"name", "description"} {
		if s := texts[field]; utf8.RuneCountInString(s) > maxText {
			return invalid(op, resource, "/"+field, "Invalid input for %s. Reason: '%.20s…' exceeds maximum length of %d.", field, s, maxText)
		}
	}
	return nil
}

// maxTag and maxTags are Neutron's limits for tags.
const (
	maxTag  = 255
	maxTags = 50
)

// checkTags returns the tags sorted, each once.
func checkTags(op, resource string, tags []string) ([]string, error) {
	tags = slices.Clone(tags)
	slices.Sort(tags)
	tags = slices.Compact(tags)
	for i, t := range tags {
		if t == "" || utf8.RuneCountInString(t) > maxTag {
			return nil, invalid(op, resource, "/tags", "Invalid input for tags. Reason: tag %d has no or more than %d characters.", i, maxTag)
		}
	}
	if len(tags) > maxTags {
		return nil, invalid(op, resource, "/tags", "Invalid input for tags. Reason: there are %d, at most %d are allowed.", len(tags), maxTags)
	}
	return tags, nil
}

// or returns *p, or def for nil.
func or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}

// set stores *from in to, unless from is nil.
func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// owner returns whose a new resource is: the project that was named, or the caller's own.
func owner(op, resource string, c cloud.Caller, projectID string) (string, error) {
	if projectID != "" {
		return projectID, nil
	}
	if c.ProjectID == "" {
		return "", invalid(op, resource, "/project_id", "Your token is not scoped to a project: name the project that the %s is to belong to in project_id.", resource)
	}
	return c.ProjectID, nil
}
