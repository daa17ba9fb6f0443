// Package network is the domain of networks: networks, subnets, ports, the
// addresses and MACs that ports hold, security groups with their rules, and the
// quota of all that.
//
// The Neutron dialect (server/api/neutron) calls it for its users; compute makes
// and binds ports in its own transactions; hosts read what a host must provide
// (PortsOfHost, SecurityGroupAddresses) and write what it saw (PortObserve).
//
// Every function takes a transaction to change things or a reader to look at
// them, and the caller where ownership matters. Whether policy allows the call
// was decided before; what the caller may not see is NotFound here all the same.
//
// Errors are *cloud.Error. Field is a JSON pointer relative to the resource
// itself ("/fixed_ips/0/ip_address"): only the dialect knows the envelope around
// it. Reason, in the error's chain, tells apart errors of one kind.
//
// Invariants:
//
//	I1  No two ports hold the same address of a subnet, nor the same MAC on a network.
//	I2  Every address of a port lies in its subnet, and the subnet on the port's network.
//	I3  An address that was not asked for by name comes from the allocation pools.
//	I4  Two subnets of a network never overlap. Pools lie in the subnet, are
//	    disjoint and do not hold the gateway.
//	I5  No two networks share a VNI, and no two flat networks a physical network.
//	I6  A project has at most one default security group, and it has one as soon as it has a port.
//	I7  What a port, subnet or rule refers to exists: nothing in use is deleted.
//	I8  Giving out an address costs a few look-ups, however full the subnet is (see address.go).
//	I9  In a plan session, a clash with something that was there before the session
//	    is a warning, since the plan may remove it; one with something that the
//	    session made is an error. The rows with cloud.UnknownID compare with nothing.
//
// It knows nothing of HTTP, of hosts' devices or of instances, and imports only
// cloud and statestore.
package network
