package sweep

import "maps"

// exemption is what a trial is not right about: faults that begin with what, for the
// reason why. An empty what is all of the call's.
type exemption struct{ what, why string }

// calls gives one exemption to several calls.
func calls(e exemption, all ...string) map[string]exemption {
	m := map[string]exemption{}
	for _, call := range all {
		m[call] = e
	}
	return m
}

// together are the exemptions of one trial.
func together(all ...map[string]exemption) map[string]exemption {
	m := map[string]exemption{}
	for _, some := range all {
		maps.Copy(m, some)
	}
	return m
}

const forgotten = "Keystone keeps, or forgets, what it does not know"

// The members of identity's bodies that keep what they do not know.
func extra(member string, all ...string) map[string]exemption {
	return calls(exemption{"/" + member + "/nonsense: taken", forgotten}, all...)
}

var (
	// As in OpenStack nobody asks Keystone.
	anyProject = calls(exemption{"{id}", "a quota and what was used are of any project, whether there is one or not"},
		"GET /compute/v2.1/os-quota-sets/{id}", "GET /compute/v2.1/os-quota-sets/{id}/detail", "GET /compute/v2.1/os-quota-sets/{id}/defaults",
		"PUT /compute/v2.1/os-quota-sets/{id}", "DELETE /compute/v2.1/os-quota-sets/{id}", "GET /networking/v2.0/quotas/{id}", "GET /networking/v2.0/quotas/{id}/default",
		"GET /networking/v2.0/quotas/{id}/details", "GET /networking/v2.0/quotas/{id}/details.json", "PUT /networking/v2.0/quotas/{id}", "GET /compute/v2.1/os-simple-tenant-usage/{id}")
	noHint = calls(exemption{"{id}", "401: nobody learns which users there are"}, "POST /identity/v3/users/{id}/password")
	// Keystone's InvalidDomainConfig is a Forbidden.
	domainConfig = []string{"PUT /identity/v3/domains/{id}/config", "PATCH /identity/v3/domains/{id}/config", "PATCH /identity/v3/domains/{id}/config/{group}",
		"PATCH /identity/v3/domains/{id}/config/{group}/{option}"}
)

// exempt are calls that a trial is not right about, by trial.
var exempt = map[string]map[string]exemption{
	"a right call": together(
		calls(exemption{"right: 403", "it is in use, as Keystone says it"}, "DELETE /identity/v3/regions/{id}", "DELETE /identity/v3/registered_limits/{id}", "DELETE /identity/v3/users/{id}/access_rules/{rule}"),
		calls(exemption{"right: 403", "it is in no other store"}, "DELETE /image/v2/stores/{store}/{image}"),
		calls(exemption{"right: 409", "it was made so"}, "PUT /identity/v3/OS-FEDERATION/identity_providers/{id}", "PUT /identity/v3/OS-FEDERATION/mappings/{id}",
			"PUT /identity/v3/OS-FEDERATION/identity_providers/{id}/protocols/{protocol}", "PUT /identity/v3/OS-FEDERATION/service_providers/{id}"),
		calls(exemption{"right: 401", "nothing is signed"}, "POST /identity/v3/ec2tokens", "POST /identity/v3/s3tokens"),
		calls(exemption{"right: 400", "nothing is signed"}, "POST /identity/v3/OS-OAUTH1/request_token", "POST /identity/v3/OS-OAUTH1/access_token"),
		calls(exemption{"read: 501", "no driver tells it"}, "GET /compute/v2.1/os-hypervisors/{id}/uptime"),
		calls(exemption{"right: 404", "no image is named, and none is cached"}, "DELETE /image/v2/images", "DELETE /image/v2/cache/{image}"),
		calls(exemption{"right: 409", "it runs"}, "POST /compute/v2.1/servers/{id}/action os-start")),
	"a stranger": together(
		calls(exemption{"another's: 403", "who deleted a trust is to know, and Keystone tells everybody"}, "DELETE /identity/v3/OS-TRUST/trusts/{id}",
			"GET /identity/v3/OS-TRUST/trusts/{id}", "GET /identity/v3/OS-TRUST/trusts/{id}/roles", "GET /identity/v3/OS-TRUST/trusts/{id}/roles/{role}"),
		calls(exemption{"another's: 403", "it is nobody's, and Keystone tells everybody if there is none"}, "GET /identity/v3/roles/{id}", "PATCH /identity/v3/roles/{id}",
			"DELETE /identity/v3/roles/{id}", "GET /identity/v3/endpoints/{id}", "PATCH /identity/v3/endpoints/{id}", "DELETE /identity/v3/endpoints/{id}"),
		calls(exemption{"looks: told", "regions, and what the catalog offers, are everybody's"}, "GET /identity/v3/auth/catalog", "GET /identity/v3/regions",
			"GET /identity/v3/regions/{id}", "GET /identity/v3/registered_limits", "GET /identity/v3/registered_limits/{id}"),
		calls(exemption{"another's: 401", "a request token is nobody's yet"}, "PUT /identity/v3/OS-OAUTH1/authorize/{token}")),
	"an unknown id": together(anyProject, noHint,
		calls(exemption{"{id}: taken", "every class has the limits of the one there is"}, "GET /compute/v2.1/os-quota-class-sets/{id}"),
		calls(exemption{"{option}: 403", "Keystone's InvalidDomainConfig is 403"}, "GET /identity/v3/domains/config/identity/{option}/default",
			"GET /identity/v3/domains/config/ldap/{option}/default", "GET /identity/v3/domains/{id}/config/security_compliance/{option}"),
		calls(exemption{"{id}: 403", "they are for oneself only, whoever there is"}, "POST /identity/v3/users/{id}/application_credentials")),
	"an odd id": together(anyProject, noHint),
	"no JSON": together(
		calls(exemption{"an object: taken", "nothing of it is required"}, "POST /image/v2/images", "POST /compute/v2.1/servers/{id}/os-interface")),
	"an unknown field": together(
		extra("consumer", "POST /identity/v3/OS-OAUTH1/consumers", "PATCH /identity/v3/OS-OAUTH1/consumers/{id}"),
		extra("credential", "POST /identity/v3/credentials", "PATCH /identity/v3/credentials/{id}"),
		extra("domain", "POST /identity/v3/domains", "PATCH /identity/v3/domains/{id}"),
		extra("endpoint", "POST /identity/v3/endpoints", "PATCH /identity/v3/endpoints/{id}"),
		extra("group", "POST /identity/v3/groups", "PATCH /identity/v3/groups/{id}"),
		extra("policy", "POST /identity/v3/policies", "PATCH /identity/v3/policies/{id}"),
		extra("project", "POST /identity/v3/projects", "PATCH /identity/v3/projects/{id}"),
		extra("region", "POST /identity/v3/regions", "PUT /identity/v3/regions/{id}", "PATCH /identity/v3/regions/{id}"),
		extra("role", "POST /identity/v3/roles", "PATCH /identity/v3/roles/{id}"),
		extra("service", "POST /identity/v3/services", "PATCH /identity/v3/services/{id}"),
		extra("user", "POST /identity/v3/users", "PATCH /identity/v3/users/{id}"),
		calls(exemption{"/trust", forgotten}, "POST /identity/v3/OS-TRUST/trusts"),
		calls(exemption{"/roles/0/nonsense: taken", forgotten}, "PUT /identity/v3/OS-OAUTH1/authorize/{token}"),
		calls(exemption{"/application_credential", forgotten}, "POST /identity/v3/users/{id}/application_credentials"),
		calls(exemption{"/credentials: 401", "it is signed, or not, whatever is in it"}, "POST /identity/v3/ec2tokens", "POST /identity/v3/s3tokens"),
		calls(exemption{"/config", "Keystone's InvalidDomainConfig is 403"}, domainConfig...),
		calls(exemption{"/", "of an operation, what is unknown is ignored (RFC 6902, 4)"}, "PATCH /image/v2/images/{image}")),
	"a field of another type": together(
		calls(exemption{"/lock: null", "all of it is optional"}, "POST /compute/v2.1/servers/{id}/action lock"),
		calls(exemption{"/os-getConsoleOutput: null", "all of it is optional"}, "POST /compute/v2.1/servers/{id}/action os-getConsoleOutput"),
		calls(exemption{"/interfaceAttachment: null", "all of it is optional"}, "POST /compute/v2.1/servers/{id}/os-interface"),
		calls(exemption{"/config", "the types of options are the driver's"}, domainConfig...),
		calls(exemption{"/enum/0", "a value of a JSON schema's enum has any type"}, "POST /image/v2/metadefs/namespaces/{ns}/properties", "PUT /image/v2/metadefs/namespaces/{ns}/properties/{part}")),
}
