package keystone

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

// accessRuleRoutes are the calls that a user's application credentials may make.
func (a *api) accessRuleRoutes() []front.Route {
	const of, one = "/users/{id}/access_rules", "/users/{id}/access_rules/{rule}"
	t := userTarget
	return []front.Route{
		{Method: "GET", Path: of, Rule: "identity:access_rule:list", Target: t, Handle: accessRuleList},
		{Method: "GET", Path: one, Rule: "identity:access_rule:get", Target: t, Handle: accessRuleShow},
		{Method: "DELETE", Path: one, Rule: "identity:access_rule:delete", Target: t, Handle: a.lasting(accessRuleDelete)},
	}
}

type accessRuleWire struct {
	ID      string `json:"id"`
	Service string `json:"service"`
	Method  string `json:"method"`
	Path    string `json:"path"`
	Links   *self  `json:"links,omitzero"` // not within a credential
}

func renderAccessRule(rq *front.Request, a identity.AccessRule) accessRuleWire {
	links := selfLink(rq, "/users/"+a.UserID+"/access_rules/"+a.ID)
	return accessRuleWire{a.ID, a.Service, a.Method, a.Path, &links}
}

// renderAccessRules returns those of a credential, nil if it is not limited to any.
func renderAccessRules(r statestore.Reader, c identity.AppCredential) []accessRuleWire {
	if !c.Limited {
		return nil
	}
	rules := []accessRuleWire{}
	for _, a := range c.RulesOf(r) {
		rules = append(rules, accessRuleWire{a.ID, a.Service, a.Method, a.Path, nil})
	}
	return rules
}

// accessRuleBody is a call, or the id of a rule that there is.
type accessRuleBody struct {
	ID      string `json:"id"`
	Service string `json:"service"`
	Method  string `json:"method"`
	Path    string `json:"path"`
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

// checkAccessRules refuses what names no call. Error kind: Invalid.
func checkAccessRules(given []accessRuleBody) error {
	for n, b := range given {
		if b.ID == "" && (b.Service == "" || len(b.Service) > 64 || !slices.Contains(methods, b.Method) || !strings.HasPrefix(b.Path, "/") || len(b.Path) > 128) {
			return cloud.Errorf(cloud.Invalid, "application_credential", "Invalid input for field 'access_rules': a rule needs an id; or a service of at most 64 characters, a method and a path of at most 128 characters.").
				At(fmt.Sprintf("/application_credential/access_rules/%d", n))
		}
	}
	return nil
}

func accessRulesGiven(given []accessRuleBody) (rules []identity.AccessRule) {
	for _, b := range given {
		rules = append(rules, identity.AccessRule{ID: b.ID, AccessRule: cloud.AccessRule{Service: b.Service, Method: b.Method, Path: b.Path}})
	}
	return rules
}

func accessRuleList(rq *front.Request) (*front.Response, error) {
	u, err := identity.UserGet(rq.Read(), rq.PathValue("id"))
	if err != nil {
		return nil, err
	}
	f := filterOf(rq)
	var out []accessRuleWire
	for a := range identity.AccessRules.By(rq.Read(), "user", u.ID) {
		if f.text("service", a.Service) && f.text("method", a.Method) && f.text("path", a.Path) {
			out = append(out, renderAccessRule(rq, a))
		}
	}
	return paged(rq, "access_rules", out, columns[accessRuleWire]{"id": func(a *accessRuleWire) string { return a.ID }})
}

func accessRuleShow(rq *front.Request) (*front.Response, error) {
	a, err := identity.AccessRuleGet(rq.Read(), rq.PathValue("id"), rq.PathValue("rule"))
	return front.OK(map[string]accessRuleWire{"access_rule": renderAccessRule(rq, a)}), err
}

func accessRuleDelete(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error {
		return identity.AccessRuleDelete(tx, rq.PathValue("id"), rq.PathValue("rule"))
	})
}
