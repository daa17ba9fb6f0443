// Package dhcp answers guests' DHCPv4 requests (RFC 2131) from leases that the
// caller knows: there is no pool and nothing to remember, because the address of
// every port was decided in the cloud's store before the guest began.
//
// The agent calls Serve with the socket that vswitch.ListenDHCP opened in a
// network's namespace and a look-up of that network's ports on this host. All
// rules are in Reply, which is pure.
//
// Invariants:
//
//	I1  Who is not known by MAC is not answered at all, nor is a relayed request,
//	    a BOOTP request or what is meant for another server.
//	I2  A guest is offered the one address of its lease, whatever it asks for, and
//	    refused (NAK) when it insists on another.
//	I3  No input makes Reply panic or Serve stop.
//
// It must not import vswitch's backends nor anything of server/.
package dhcp
