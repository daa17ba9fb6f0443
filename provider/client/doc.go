// Package client is what every Terraform resource of Cloudlet does with a
// cloud: connect, call, wait, ask what a plan would do, and say what went
// wrong. It talks the OpenStack API through gophercloud and uses three
// extensions where the cloud offers them: waiting (Prefer: wait), plan sessions
// (Cloudlet-Plan) and chosen ids (Cloudlet-Id). On a cloud without them it polls,
// plans are not checked, and a create whose answer is lost fails.
//
// The five things a resource uses, everywhere the same:
//
//   - Resource, DataSource and Ephemeral, embedded: they take the configured *Client.
//   - Client.Wait: until a GET's answer satisfies a condition, without polling.
//   - Plan: run a create, update or delete against a fork of the cloud.
//   - Once: a create that is done once, whatever becomes of the connection.
//   - AddError: an error as a diagnostic, on the attribute that is at fault.
//
// Invariants:
//
//	I1  A mutating call of a plan is only ever sent to a cloud that has said
//	    that it knows plan sessions; the check is made for each endpoint.
//	I2  A call that changes the cloud runs on a context that Ctrl-C does not
//	    cancel (Changing), so that what was created is always in the state.
//	I3  Once this process has changed the cloud, it asks no more plan
//	    questions: the fork would be older than the cloud.
//	I4  A request is only repeated if it never left, or says the same however
//	    often it is said; a create only if it is known that it was not done.
//	I5  No credential reaches a diagnostic or a log.
//
// It imports neither the server nor a resource.
package client
