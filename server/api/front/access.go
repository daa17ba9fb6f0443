package front

import "github.com/cloudlet/cloudlet/server/cloud"

// serviceTypes are the services' types, by which access rules name them.
var serviceTypes = map[string]string{"keystone": "identity", "glance": "image", "nova": "compute", "neutron": "network"}

// limited refuses a call that the access rules of an application credential do not
// allow. Error kind: Unauthenticated, as where a token does not count.
func limited(rq *Request, c cloud.Caller) error {
	path := rq.HTTP.URL.EscapedPath()
	if !c.Limited || c.MayCall(serviceTypes[rq.service.Name], rq.HTTP.Method, path, path[min(len(rq.service.Root), len(path)):]) {
		return nil
	}
	return cloud.Errorf(cloud.Unauthenticated, "", "The access rules of the application credential do not allow %s %s.", rq.HTTP.Method, path)
}
