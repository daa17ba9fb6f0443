package identity

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// DomainConfig is what a domain has of its own configuration, by group and option.
// It is kept for who administers the domain; Cloudlet's users are in its own state,
// whatever driver it names.
type DomainConfig struct {
	DomainID string
	Groups   ConfigGroups
}

// ConfigGroups are options by their group.
type ConfigGroups map[string]map[string]jsontext.Value

// DomainConfigs is the table of them.
var DomainConfigs = statestore.NewTable(statestore.TableDef[DomainConfig]{Name: "domain_config", Version: 1, Key: func(c *DomainConfig) string { return c.DomainID }})

// ConfigOptions are the options that a domain may have of its own, as in Keystone.
var ConfigOptions = map[string][]string{
	"identity": {"driver", "list_limit"},
	"ldap": strings.Fields(`url user suffix query_scope page_size alias_dereferencing debug_level chase_referrals
		user_tree_dn user_filter user_objectclass user_id_attribute user_name_attribute user_mail_attribute user_description_attribute
		user_pass_attribute user_enabled_attribute user_enabled_invert user_enabled_mask user_enabled_default user_attribute_ignore
		user_default_project_id_attribute user_enabled_emulation user_enabled_emulation_dn user_enabled_emulation_use_group_config
		user_additional_attribute_mapping group_tree_dn group_filter group_objectclass group_id_attribute group_name_attribute
		group_members_are_ids group_member_attribute group_desc_attribute group_attribute_ignore group_additional_attribute_mapping
		tls_cacertfile tls_cacertdir use_tls tls_req_cert use_pool pool_size pool_retry_max pool_retry_delay pool_connection_timeout
		pool_connection_lifetime use_auth_pool auth_pool_size auth_pool_connection_lifetime`),
}

// configSecret is the one option that may be set and is never told.
const configSecret = "password"

// ConfigPart names a domain's configuration, or one group or option of it.
type ConfigPart struct{ DomainID, Group, Option string }

// DomainConfigGet returns a part of a domain's configuration, without secrets.
// Error kind: NotFound if there is none.
func DomainConfigGet(r statestore.Reader, p ConfigPart) (ConfigGroups, error) {
	if _, err := DomainGet(r, p.DomainID); err != nil {
		return nil, err
	}
	c, ok := DomainConfigs.Get(r, p.DomainID)
	part := ConfigGroups{}
	for group, options := range c.Groups {
		if p.Group != "" && p.Group != group {
			continue
		}
		part[group] = map[string]jsontext.Value{}
		for name, v := range options {
			if name != configSecret && (p.Option == "" || p.Option == name) {
				part[group][name] = v
			}
		}
	}
	if !ok || len(part) == 0 || p.Option != "" && len(part[p.Group]) == 0 {
		return nil, p.missing()
	}
	return part, nil
}

func (p ConfigPart) missing() error {
	what := "any options"
	if p.Group != "" {
		what = "group " + p.Group
	}
	if p.Option != "" {
		what = "option " + p.Option + " in " + what
	}
	return cloud.Errorf(cloud.NotFound, "domain config", "Could not find domain configuration for %s in domain %s.", what, p.DomainID)
}

// DomainConfigPut replaces a domain's configuration. It reports whether there was
// none. Error kinds: NotFound for the domain, Forbidden for options that a domain
// cannot have of its own.
func DomainConfigPut(tx *statestore.Txn, domainID string, groups ConfigGroups) (created bool, err error) {
	if _, err := DomainGet(tx, domainID); err != nil {
		return false, err
	}
	if err := groups.check(); err != nil {
		return false, err
	}
	_, had := DomainConfigs.Get(tx, domainID)
	DomainConfigs.Put(tx, DomainConfig{domainID, groups})
	return !had, nil
}

// DomainConfigUpdate changes options. A group or option that the part names must be
// there and be the only one given. Error kinds: NotFound, Forbidden.
func DomainConfigUpdate(tx *statestore.Txn, p ConfigPart, change ConfigGroups) error {
	if _, err := DomainConfigGet(tx, p); err != nil {
		return err
	}
	if err := change.check(); err != nil {
		return err
	}
	if _, ok := change[p.Group]; p.Group != "" && (!ok || len(change) > 1) {
		return cloud.Errorf(cloud.Forbidden, "domain config", "Invalid domain specific configuration: the group %s alone is to be changed.", p.Group)
	}
	c, _ := DomainConfigs.Get(tx, p.DomainID)
	c.Groups = maps.Clone(c.Groups)
	for group, options := range change {
		next := maps.Clone(c.Groups[group])
		if next == nil {
			next = map[string]jsontext.Value{}
		}
		maps.Copy(next, options)
		c.Groups[group] = next
	}
	DomainConfigs.Put(tx, c)
	return nil
}

// DomainConfigDelete deletes a part of a domain's configuration. Error kind: NotFound.
func DomainConfigDelete(tx *statestore.Txn, p ConfigPart) error {
	if _, err := DomainConfigGet(tx, p); err != nil {
		return err
	}
	c, _ := DomainConfigs.Get(tx, p.DomainID)
	c.Groups = maps.Clone(c.Groups)
	switch {
	case p.Group == "":
		c.Groups = nil
	case p.Option == "" || len(c.Groups[p.Group]) == 1:
		delete(c.Groups, p.Group)
	default:
		c.Groups[p.Group] = maps.Clone(c.Groups[p.Group])
		delete(c.Groups[p.Group], p.Option)
	}
	if len(c.Groups) == 0 {
		DomainConfigs.Delete(tx, p.DomainID)
		return nil
	}
	DomainConfigs.Put(tx, c)
	return nil
}

// check refuses what a domain cannot have of its own.
func (g ConfigGroups) check() error {
	refuse := func(format string, args ...any) error {
		return cloud.Errorf(cloud.Forbidden, "domain config", "Invalid domain specific configuration: "+format, args...)
	}
	if len(g) == 0 {
		return refuse("no options are given.")
	}
	for group, options := range g {
		offered, ok := ConfigOptions[group]
		if !ok {
			return refuse("the group %s is not supported for domain specific configurations.", group)
		}
		if len(options) == 0 {
			return refuse("no options are given in group %s.", group)
		}
		for name := range options {
			if !slices.Contains(offered, name) && (group != "ldap" || name != configSecret) {
				return refuse("the option %s in group %s is not supported for domain specific configurations.", name, group)
			}
		}
	}
	return nil
}
