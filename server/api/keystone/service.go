package keystone

import (
	"net/http"
	"slices"

	"github.com/cloudlet/cloudlet/server/api/front"
	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/server/identity"
)

// Deps are what the dialect needs besides the state.
type Deps struct {
	// Authority issues and checks tokens.
	Authority identity.Authority
}

type api struct{ Deps }

// maxBody bounds what one call may say, and so what one row may hold: as oslo.middleware
// does for Keystone, in bytes.
const maxBody = 114688

// Service returns the dialect at /identity/v3.
func Service(d Deps) *front.Service {
	a := &api{d}
	routes := slices.Concat(a.tokenRoutes(), a.reachRoutes(), domainRoutes(), a.domainConfigRoutes(), a.projectRoutes(), tagRoutes(),
		a.userRoutes(), a.groupRoutes(), roleRoutes(), impliedRoutes(), assignmentRoutes(), regionRoutes(), serviceRoutes(), endpointRoutes(),
		a.credentialRoutes(), a.ec2Routes(), a.signatureRoutes(), a.appCredentialRoutes(), a.accessRuleRoutes(), a.trustRoutes(),
		policyRoutes(), endpointGroupRoutes(), identityProviderRoutes(), federationRoutes(), consumerRoutes(), a.oauthRoutes(), a.accessTokenRoutes(), registeredLimitRoutes(), a.limitRoutes())
	for n := range routes {
		routes[n].MaxBody = maxBody
	}
	return &front.Service{
		Name: "keystone", Root: root, Base: "/v3", Fault: fault,
		Routes: append(versionRoutes(routes), routes...),
	}
}

// Root returns the document at /, by which a client that knows the address
// alone finds the identity service.
func Root() *front.Service {
	return &front.Service{Name: "keystone-root", Fault: fault,
		Routes: []front.Route{{Method: "GET", Path: "/", AtRoot: true, Rule: front.Public, Handle: versionList}}}
}

type faultBody struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Title   string `json:"title"`
}

// fault renders {"error": {"code": 404, "message": "…", "title": "Not Found"}}.
func fault(_ *front.Request, status int, e *cloud.Error) *front.Response {
	resp := &front.Response{Status: status, Body: map[string]faultBody{"error": {status, e.Msg, http.StatusText(status)}}}
	return resp.With("Vary", "X-Auth-Token")
}
