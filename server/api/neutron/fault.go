package neutron

import (
	"errors"
	"net/http"
	"strings"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/network"
)

type faultBody struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Detail  string `json:"detail"`
}

// fault renders {"NeutronError": {"type": "NetworkNotFound", "message": "…", "detail": ""}}.
func fault(_ *front.Request, status int, e *cloud.Error) *front.Response {
	return &front.Response{Status: status, Body: map[string]faultBody{"NeutronError": {Type: faultType(status, e), Message: e.Msg}}}
}

// faultTypes are Neutron's exceptions for what the domain tells apart.
var faultTypes = map[network.Reason]string{
	network.AddressInUse:         "IpAddressInUse",
	network.AddressesExhausted:   "IpAddressGenerationFailure",
	network.AddressOffSubnet:     "InvalidIpForSubnet",
	network.AddressOffNetwork:    "InvalidIpForNetwork",
	network.MACInUse:             "MacAddressInUse",
	network.NetworkInUse:         "NetworkInUse",
	network.SubnetInUse:          "SubnetInUse",
	network.PortInUse:            "PortInUse",
	network.PortBound:            "PortBound",
	network.PairsNeedSecurity:    "AddressPairAndPortSecurityRequired",
	network.GroupsNeedSecurity:   "PortSecurityPortHasSecurityGroup",
	network.NeedsAddress:         "PortSecurityAndIPRequiredForSecurityGroups",
	network.GroupInUse:           "SecurityGroupInUse",
	network.DefaultGroupKept:     "SecurityGroupCannotRemoveDefault",
	network.DefaultGroupExists:   "SecurityGroupDefaultAlreadyExists",
	network.DefaultGroupRenamed:  "SecurityGroupCannotUpdateDefault",
	network.RuleExists:           "SecurityGroupRuleExists",
	network.RuleRemoteTwice:      "SecurityGroupRemoteGroupAndRemoteIpPrefix",
	network.RuleEthertype:        "SecurityGroupRuleParameterConflict",
	network.RulePortRange:        "SecurityGroupInvalidPortRange",
	network.RulePortsNoProtocol:  "SecurityGroupProtocolRequiredWithPorts",
	network.RuleProtocol:         "SecurityGroupRuleInvalidProtocol",
	network.RuleICMP:             "SecurityGroupInvalidIcmpValue",
	network.PoolOutside:          "OutOfBoundsAllocationPool",
	network.PoolsOverlap:         "OverlappingAllocationPools",
	network.PoolInvalid:          "InvalidAllocationPool",
	network.GatewayInPool:        "GatewayConflictWithAllocationPools",
	network.PhysicalNetworkInUse: "FlatNetworkInUse",
	network.VNIInUse:             "TunnelIdInUse",
	network.VNIsExhausted:        "NoNetworkAvailable",
	network.SharedInUse:          "InvalidSharedSetting",
}

// notFoundTypes are Neutron's exceptions for missing things, by the domain's resource.
var notFoundTypes = map[string]string{
	"network": "NetworkNotFound", "subnet": "SubnetNotFound", "port": "PortNotFound", "security_group": "SecurityGroupNotFound",
	"security_group_rule": "SecurityGroupRuleNotFound", "quota": "TenantQuotaNotFound", "tag": "TagNotFound", "availability_zone": "AvailabilityZoneNotFound",
}

// protocolTypes are the names of errors that are about HTTP, by status.
var protocolTypes = map[int]string{
	http.StatusBadRequest: "HTTPBadRequest", http.StatusUnauthorized: "HTTPUnauthorized", http.StatusForbidden: "PolicyNotAuthorized",
	http.StatusNotFound: "HTTPNotFound", http.StatusMethodNotAllowed: "HTTPMethodNotAllowed", http.StatusConflict: "HTTPConflict",
	http.StatusPreconditionFailed: "RevisionNumberConstraintFailed", http.StatusRequestEntityTooLarge: "HTTPRequestEntityTooLarge",
	http.StatusUnsupportedMediaType: "HTTPUnsupportedMediaType", http.StatusNotImplemented: "HTTPNotImplemented",
	http.StatusServiceUnavailable: "HTTPServiceUnavailable",
}

// faultType returns the name of the exception that Neutron would raise.
func faultType(status int, e *cloud.Error) string {
	if reason, ok := errors.AsType[network.Reason](e.Err); ok && faultTypes[reason] != "" {
		return faultTypes[reason]
	}
	switch {
	case e.Kind == cloud.Quota:
		return "OverQuota"
	case e.Kind == cloud.NotFound && notFoundTypes[e.Resource] != "":
		return notFoundTypes[e.Resource]
	case e.Kind == cloud.Invalid && strings.HasPrefix(e.Msg, "Invalid input for operation"):
		return "InvalidInput"
	case protocolTypes[status] != "":
		return protocolTypes[status]
	}
	return "HTTPInternalServerError"
}
