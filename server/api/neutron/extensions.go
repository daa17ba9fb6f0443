package neutron

import (
	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
)

func extensionRoutes() []front.Route {
	return []front.Route{
		{Method: "GET", Path: "/extensions", Rule: "network:extension:list", Handle: extensionList},
		{Method: "GET", Path: "/extensions/{alias}", Rule: "network:extension:get", Handle: extensionShow},
	}
}

type extension struct {
	Alias       string     `json:"alias"`
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Updated     string     `json:"updated"`
	Links       []struct{} `json:"links"`
}

// extensions are what of Neutron's API is served here besides networks, subnets
// and ports. Clients look for the alias or the name, so both are Neutron's.
var extensions = []extension{
	{Alias: "allowed-address-pairs", Name: "Allowed Address Pairs", Description: "Provides allowed address pairs", Updated: "2013-07-23T10:00:00-00:00"},
	{Alias: "availability_zone", Name: "Availability Zone", Description: "Lists the availability zones.", Updated: "2015-01-01T10:00:00-00:00"},
	{Alias: "binding", Name: "Port Binding", Description: "Expose port bindings of a virtual port to external application", Updated: "2014-02-03T10:00:00-00:00"},
	{Alias: "empty-string-filtering", Name: "Empty String Filtering Extension", Description: "Allow filtering by attributes with empty string value", Updated: "2018-05-01T10:00:00-00:00"},
	{Alias: "external-net", Name: "Neutron external network", Description: "Adds external network attribute to network resource.", Updated: "2013-01-14T10:00:00-00:00"},
	{Alias: "filter-validation", Name: "Filter parameters validation", Description: "Provides validation on filter parameters.", Updated: "2018-03-21T10:00:00-00:00"},
	{Alias: "ip-substring-filtering", Name: "IP address substring filtering", Description: "Provides IP address substring filtering when listing ports", Updated: "2017-11-28T09:00:00-00:00"},
	{Alias: "net-mtu", Name: "Network MTU", Description: "Provides MTU attribute for a network resource.", Updated: "2015-03-25T10:00:00-00:00"},
	{Alias: "net-mtu-writable", Name: "Network MTU (writable)", Description: "Provides a writable MTU attribute for a network resource.", Updated: "2017-07-12T00:00:00-00:00"},
	{Alias: "network_availability_zone", Name: "Network Availability Zone", Description: "Availability zone support for network.", Updated: "2015-01-01T10:00:00-00:00"},
	{Alias: "pagination", Name: "Pagination support", Description: "Extension that indicates that pagination is enabled.", Updated: "2016-06-12T00:00:00-00:00"},
	{Alias: "port-security", Name: "Port Security", Description: "Provides port security", Updated: "2012-07-23T10:00:00-00:00"},
	{Alias: "port-security-groups-filtering", Name: "Port filtering on security groups", Description: "Provides security groups filtering when listing ports", Updated: "2018-01-09T09:00:00-00:00"},
	{Alias: "project-id", Name: "project_id field enabled", Description: "Extension that indicates that project_id field is enabled.", Updated: "2016-09-09T09:09:09-09:09"},
	{Alias: "provider", Name: "Provider Network", Description: "Expose mapping of virtual networks to physical networks", Updated: "2012-09-07T10:00:00-00:00"},
	{Alias: "quota-check-limit", Name: "Quota engine limit check", Description: "Support for checking the resource usage before applying a new quota limit", Updated: "2021-10-13T10:00:00-00:00"},
	{Alias: "quota_details", Name: "Quota details management support", Description: "Expose functions for quotas usage statistics per project", Updated: "2017-02-10T10:00:00-00:00"},
	{Alias: "quotas", Name: "Quota management support", Description: "Expose functions for quotas management per project", Updated: "2012-07-29T10:00:00-00:00"},
	{Alias: "revision-if-match", Name: "If-Match constraints based on revision_number", Description: "Extension indicating that If-Match based on revision_number is supported.", Updated: "2016-12-11T00:00:00-00:00"},
	{Alias: "security-group", Name: "security-group", Description: "The security groups extension.", Updated: "2012-10-05T10:00:00-00:00"},
	{Alias: "security-groups-normalized-cidr", Name: "Normalized CIDR field for security group rules", Description: "Add new field with normalized cidr to security group rules", Updated: "2020-05-21T10:00:00-00:00"},
	{Alias: "sorting", Name: "Sorting support", Description: "Extension that indicates that sorting is enabled.", Updated: "2016-06-12T00:00:00-00:00"},
	{Alias: "standard-attr-description", Name: "standard-attr-description", Description: "Extension to add descriptions to standard attributes", Updated: "2016-02-10T10:00:00-00:00"},
	{Alias: "standard-attr-revisions", Name: "Resource revision numbers", Description: "This extension will display the revision number of neutron resources.", Updated: "2016-04-11T10:00:00-00:00"},
	{Alias: "standard-attr-tag", Name: "Tag support for resources with standard attribute: network, subnet, port, security_group", Description: "Enables to set tag on resources with standard attribute.", Updated: "2017-01-01T00:00:00-00:00"},
	{Alias: "standard-attr-timestamp", Name: "Resource timestamps", Description: "Adds created_at and updated_at fields to all Neutron resources that have Neutron standard attributes.", Updated: "2016-09-12T10:00:00-00:00"},
	{Alias: "tag-creation", Name: "Tag creation", Description: "Allow to create tags during the creation of a resource", Updated: "2024-10-04T10:00:00-00:00"},
	{Alias: "tag-ports-during-bulk-creation", Name: "Tag Ports During Bulk Creation", Description: "Allow to tag ports during bulk creation", Updated: "2019-12-29T19:00:00-00:00"},
}

func extensionList(*front.Request) (*front.Response, error) {
	return front.OK(map[string]any{"extensions": extensions}), nil
}

func extensionShow(rq *front.Request) (*front.Response, error) {
	for _, e := range extensions {
		if e.Alias == rq.PathValue("alias") {
			return front.OK(map[string]any{"extension": e}), nil
		}
	}
	return nil, cloud.Errorf(cloud.NotFound, "extension", "Extension with alias %s does not exist", rq.PathValue("alias"))
}
