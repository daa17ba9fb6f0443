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

// homeNames are Keystone's names of paths, and of their variables, where they do not follow from the
// path. A path without a name is not told: another one covers it.
var homeNames = map[string]struct {
	rel  string
	vars []string
}{
	"/users/{id}/password":                                                  {rel: "user_change_password"},
	"/users/{id}/application_credentials":                                   {rel: "application_credentials"},
	"/users/{id}/application_credentials/{credential}":                      {rel: "application_credential"},
	"/users/{id}/access_rules":                                              {rel: "access_rules"},
	"/users/{id}/access_rules/{rule}":                                       {rel: "access_rule"},
	"/users/{id}/credentials/OS-EC2/{access}":                               {"user_credential", []string{"user_id", "credential_id"}},
	"/roles/{id}/implies":                                                   {"implied_roles", []string{"prior_role_id"}},
	"/roles/{id}/implies/{implied}":                                         {"implied_role", []string{"prior_role_id", "implied_role_id"}},
	"/limits/model":                                                         {rel: "limit_model"},
	"/OS-OAUTH1/request_token":                                              {rel: "request_tokens"},
	"/OS-OAUTH1/access_token":                                               {rel: "access_tokens"},
	"/OS-OAUTH1/authorize/{token}":                                          {"authorize_request_token", []string{"request_token_id"}},
	"/OS-EP-FILTER/endpoint_groups/{id}/endpoints":                          {rel: "endpoints_in_endpoint_group"},
	"/OS-EP-FILTER/endpoint_groups/{id}/projects":                           {rel: "projects_associated_with_endpoint_group"},
	"/OS-EP-FILTER/endpoint_groups/{id}/projects/{project}":                 {rel: "endpoint_group_to_project_association"},
	"/policies/{id}/OS-ENDPOINT-POLICY/endpoints/{endpoint}":                {rel: "endpoint_policy_association"},
	"/policies/{id}/OS-ENDPOINT-POLICY/services/{service}":                  {rel: "service_policy_association"},
	"/policies/{id}/OS-ENDPOINT-POLICY/services/{service}/regions/{region}": {rel: "region_and_service_policy_association"},
	"/domains/{id}/config/{group}":                                          {"domain_config_group", []string{"domain_id", "config_group"}},
	"/domains/{id}/config/{group}/{option}":                                 {"domain_config_option", []string{"domain_id", "config_group", "config_option"}},
	"/domains/config/default":                                               {rel: "domain_config_default"},
	"/domains/{id}/config/security_compliance":                              {},
	"/domains/{id}/config/security_compliance/{option}":                     {},
	"/domains/config/identity/default":                                      {},
	"/domains/config/identity/{option}/default":                             {},
	"/domains/config/ldap/default":                                          {},
	"/domains/config/ldap/{option}/default":                                 {},
}

// home is the JSON home document of the routes: what there is by its relation.
func home(routes []front.Route) map[string]map[string]homeResource {
	all := map[string]homeResource{}
	for _, r := range routes {
		if r.AtRoot || r.Path == "/" {
			continue
		}
		rel, path, vars := relation(r.Path)
		if rel == "" {
			continue
		}
		if len(vars) == 0 {
			all[rel] = homeResource{Href: path}
		} else {
			all[rel] = homeResource{Template: path, Vars: vars}
		}
	}
	return map[string]map[string]homeResource{"resources": all}
}

// relation returns Keystone's name of a path, the path as a URI template, and what
// its variables are. The name is empty for a path that is not told.
func relation(path string) (rel, template string, vars map[string]string) {
	own, named := homeNames[path]
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
		if i := len(vars); i < len(own.vars) {
			name = own.vars[i]
		}
		parts[n] = "{" + name + "}"
		if vars == nil {
			vars = map[string]string{}
		}
		vars[name] = varRel + name
		if last := len(words) - 1; n == len(parts)-1 || !strings.HasPrefix(parts[n+1], "{") {
			words[last] = singular(words[last])
		}
	}
	rel = strings.Join(words, "_")
	if named {
		rel = own.rel
	}
	if rel != "" {
		rel = homeRel + prefix + rel
	}
	return rel, "/" + strings.Join(parts, "/"), vars
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
