package keystone

import (
	"net/http"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/api/front"
)

const (
	homeType = "application/json-home" // draft-nottingham-json-home-03
	homeRel  = "https://docs.openstack.org/api/openstack-identity/3/"
	varRel   = homeRel + "param/"
)

type homeResource struct {
	Href     string            `json:"href,omitzero"`
	Template string            `json:"href-template,omitzero"`
	Vars     map[string]string `json:"href-vars,omitzero"`
}

// home is the JSON home document of the routes: what there is by its relation.
func home(routes []front.Route) map[string]map[string]homeResource {
	all := map[string]homeResource{}
	for _, r := range routes {
		if r.AtRoot || r.Path == "/" {
			continue
		}
		rel, path, vars := relation(r.Path)
		if len(vars) == 0 {
			all[rel] = homeResource{Href: path}
		} else {
			all[rel] = homeResource{Template: path, Vars: vars}
		}
	}
	return map[string]map[string]homeResource{"resources": all}
}

// relation returns Keystone's name of a path, the path as a URI template, and what
// its variables are.
func relation(path string) (rel, template string, vars map[string]string) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	prefix := "rel/"
	if n := slices.IndexFunc(parts, func(p string) bool { return strings.HasPrefix(p, "OS-") }); n >= 0 {
		prefix = "ext/" + parts[n] + "/1.0/rel/"
	}
	var words []string
	for n, part := range parts {
		if !strings.HasPrefix(part, "{") {
			if !strings.HasPrefix(part, "OS-") {
				words = append(words, strings.ReplaceAll(part, "-", "_"))
			}
			continue
		}
		owner := parts[n-1]
		if strings.HasPrefix(owner, "{") {
			owner = "options"
		}
		name := singular(strings.ReplaceAll(owner, "-", "_")) + "_id"
		parts[n] = "{" + name + "}"
		if vars == nil {
			vars = map[string]string{}
		}
		vars[name] = varRel + name
		if last := len(words) - 1; n == len(parts)-1 || !strings.HasPrefix(parts[n+1], "{") {
			words[last] = singular(words[last])
		}
	}
	return homeRel + prefix + strings.Join(words, "_"), "/" + strings.Join(parts, "/"), vars
}

// singular is one of what a collection holds many of.
func singular(plural string) string {
	if stem, ok := strings.CutSuffix(plural, "ies"); ok {
		return stem + "y"
	}
	return strings.TrimSuffix(plural, "s")
}

// wantsHome reports whether the client asks for the JSON home document.
func wantsHome(rq *front.Request) bool {
	return slices.ContainsFunc(rq.HTTP.Header.Values("Accept"), func(v string) bool { return strings.Contains(v, homeType) })
}

func homeAnswer(document []byte) *front.Response {
	return (&front.Response{Status: http.StatusOK, Raw: document}).With("Content-Type", homeType).With("Vary", "X-Auth-Token")
}
