package keystone

import (
	"net/http"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
	"github.com/cloudlet/cloudlet/statestore"
)

// securityGroup is the one group of options that says what Cloudlet itself does:
// what it asks of passwords. Whoever is to choose one may read it.
const securityGroup = "security_compliance"

func (a *api) domainConfigRoutes() []front.Route {
	const all, rule = "/domains/{id}/config", "identity:domain_config:"
	group, option := all+"/{group}", all+"/{group}/{option}"
	rows := []front.Route{
		{Method: "GET", Path: all + "/" + securityGroup, Rule: front.Authenticated, Handle: a.securityShow},
		{Method: "GET", Path: all + "/" + securityGroup + "/{option}", Rule: front.Authenticated, Handle: a.securityShow},
		{Method: "PUT", Path: all, Rule: rule + "create", Handle: configCreate},
		{Method: "GET", Path: "/domains/config/default", Rule: rule + "get", Handle: configDefault},
	}
	for _, path := range []string{all, group, option} {
		rows = append(rows, front.Route{Method: "GET", Path: path, Rule: rule + "get", Handle: configShow},
			front.Route{Method: "PATCH", Path: path, Rule: rule + "update", Handle: configUpdate},
			front.Route{Method: "DELETE", Path: path, Rule: rule + "delete", Handle: configDelete})
	}
	for _, name := range []string{"identity", "ldap"} { // a wildcard would take /domains/{id}/config/default
		handle := func(rq *front.Request) (*front.Response, error) {
			rq.HTTP.SetPathValue("group", name)
			return configDefault(rq)
		}
		rows = append(rows, front.Route{Method: "GET", Path: "/domains/config/" + name + "/default", Rule: rule + "get", Handle: handle},
			front.Route{Method: "GET", Path: "/domains/config/" + name + "/{option}/default", Rule: rule + "get", Handle: handle})
	}
	return rows
}

func partOf(rq *front.Request) identity.ConfigPart {
	return identity.ConfigPart{DomainID: rq.PathValue("id"), Group: rq.PathValue("group"), Option: rq.PathValue("option")}
}

// renderConfig renders groups; of one option, the option alone.
func renderConfig(groups identity.ConfigGroups, p identity.ConfigPart) *front.Response {
	if p.Option != "" {
		return front.OK(map[string]any{"config": map[string]jsontext.Value{p.Option: groups[p.Group][p.Option]}})
	}
	return front.OK(map[string]any{"config": groups})
}

func configShow(rq *front.Request) (*front.Response, error) {
	groups, err := identity.DomainConfigGet(rq.Read(), partOf(rq))
	return renderConfig(groups, partOf(rq)), err
}

// configDefault tells what holds where a domain says nothing of its own.
func configDefault(rq *front.Request) (*front.Response, error) {
	p, groups := partOf(rq), identity.ConfigGroups{}
	for group, options := range identity.ConfigOptions {
		if p.Group != "" && group != p.Group {
			continue
		}
		groups[group] = map[string]jsontext.Value{}
		for _, name := range options {
			groups[group][name] = null
		}
	}
	if g := groups["identity"]; g != nil {
		g["driver"] = jsontext.Value(`"sql"`) // users are in Cloudlet's own state
	}
	if p.Option != "" && !slices.Contains(identity.ConfigOptions[p.Group], p.Option) {
		return nil, cloud.Errorf(cloud.Forbidden, "domain config", "Invalid domain specific configuration: there is no option %s in group %s.", p.Option, p.Group)
	}
	return renderConfig(groups, p), nil
}

func configCreate(rq *front.Request) (*front.Response, error) {
	var b struct {
		Config identity.ConfigGroups `json:"config"`
	}
	if err := rq.Decode(&b); err != nil {
		return nil, err
	}
	created := false
	err := rq.Write(func(tx *statestore.Txn) (err error) {
		created, err = identity.DomainConfigPut(tx, rq.PathValue("id"), b.Config)
		return err
	})
	if err != nil {
		return nil, err
	}
	resp, err := configShow(rq)
	if created && err == nil {
		resp.Status = http.StatusCreated
	}
	return resp, err
}

func configUpdate(rq *front.Request) (*front.Response, error) {
	p, change := partOf(rq), identity.ConfigGroups{}
	if p.Option == "" {
		var b struct {
			Config identity.ConfigGroups `json:"config"`
		}
		if err := rq.Decode(&b); err != nil {
			return nil, err
		}
		change = b.Config
	} else {
		var b struct {
			Config map[string]jsontext.Value `json:"config"`
		}
		if err := rq.Decode(&b); err != nil {
			return nil, err
		}
		if _, ok := b.Config[p.Option]; !ok || len(b.Config) > 1 {
			return nil, cloud.Errorf(cloud.Forbidden, "domain config", "Invalid domain specific configuration: the option %s alone is to be changed.", p.Option)
		}
		change[p.Group] = b.Config
	}
	if err := rq.Write(func(tx *statestore.Txn) error { return identity.DomainConfigUpdate(tx, p, change) }); err != nil {
		return nil, err
	}
	groups, err := identity.DomainConfigGet(rq.Read(), identity.ConfigPart{DomainID: p.DomainID})
	return front.OK(map[string]any{"config": groups}), err
}

func configDelete(rq *front.Request) (*front.Response, error) {
	return front.NoContent(), rq.Write(func(tx *statestore.Txn) error { return identity.DomainConfigDelete(tx, partOf(rq)) })
}

// securityShow tells what is asked of passwords; it is the same in all domains.
func (a *api) securityShow(rq *front.Request) (*front.Response, error) {
	if _, err := identity.DomainGet(rq.Read(), rq.PathValue("id")); err != nil {
		return nil, err
	}
	c := a.Authority.Compliance
	options := map[string]any{"password_regex": null, "password_regex_description": orNull(c.PasswordRegexDescription)}
	if c.PasswordRegex != nil {
		options["password_regex"] = c.PasswordRegex.String()
	}
	name := rq.PathValue("option")
	if name == "" {
		return front.OK(map[string]any{"config": map[string]any{securityGroup: options}}), nil
	}
	if _, ok := options[name]; !ok {
		return nil, cloud.Errorf(cloud.Forbidden, "domain config", "Invalid domain specific configuration: the option %s of %s is not told.", name, securityGroup)
	}
	return front.OK(map[string]any{"config": map[string]any{name: options[name]}}), nil
}
