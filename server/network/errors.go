package network

import (
	"fmt"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

// Reason tells apart errors of one kind, for a dialect that has a name for
// each. It is in the error's chain: errors.AsType[Reason](err).
type Reason string

// Error makes a Reason an error; it is never shown to a user.
func (r Reason) Error() string { return string(r) }

// The reasons.
const (
	AddressInUse         Reason = "address in use"
	AddressesExhausted   Reason = "addresses exhausted"
	AddressOffSubnet     Reason = "address off subnet"
	AddressOffNetwork    Reason = "address off network"
	MACInUse             Reason = "mac in use"
	NetworkInUse         Reason = "network in use"
	SubnetInUse          Reason = "subnet in use"
	PortInUse            Reason = "port in use"
	PortBound            Reason = "port bound"
	PairsNeedSecurity    Reason = "address pairs need port security"
	GroupsNeedSecurity   Reason = "security groups need port security"
	NeedsAddress         Reason = "port security needs address"
	GroupInUse           Reason = "group in use"
	DefaultGroupKept     Reason = "default group is kept"
	DefaultGroupExists   Reason = "default group exists"
	DefaultGroupRenamed  Reason = "default group is not renamed"
	RuleExists           Reason = "rule exists"
	RuleRemoteTwice      Reason = "rule has two remotes"
	RuleEthertype        Reason = "rule's ethertype conflicts"
	RulePortRange        Reason = "rule's port range"
	RulePortsNoProtocol  Reason = "rule's ports lack a protocol"
	RuleProtocol         Reason = "rule's protocol"
	RuleICMP             Reason = "rule's icmp"
	PoolOutside          Reason = "pool outside subnet"
	PoolsOverlap         Reason = "pools overlap"
	PoolInvalid          Reason = "pool invalid"
	GatewayInPool        Reason = "gateway in pool"
	PhysicalNetworkInUse Reason = "physical network in use"
	VNIInUse             Reason = "vni in use"
	VNIsExhausted        Reason = "vnis exhausted"
	Ambiguous            Reason = "ambiguous"
	ExternalAttach       Reason = "external network"
	SharedInUse          Reason = "shared network is used by others"
)

func invalid(op, resource, field, format string, args ...any) *cloud.Error {
	return &cloud.Error{Kind: cloud.Invalid, Op: op, Resource: resource, Field: field, Msg: fmt.Sprintf(format, args...)}
}

func conflict(reason Reason, op, resource, id, field, format string, args ...any) *cloud.Error {
	return &cloud.Error{Kind: cloud.Conflict, Op: op, Resource: resource, ID: id, Field: field, Msg: fmt.Sprintf(format, args...), Err: reason}
}

func missing(op, resource, id, format string) *cloud.Error {
	return &cloud.Error{Kind: cloud.NotFound, Op: op, Resource: resource, ID: id, Msg: fmt.Sprintf(format, id)}
}

// idFor returns the id of what a call makes: the one that its client chose, or a
// fresh one. Error kind: Conflict if there is such a thing already.
func idFor[T any](tx *statestore.Txn, c cloud.Caller, op, resource string, t *statestore.Table[T]) (string, error) {
	if c.ChosenID == "" {
		return tx.NewID(), nil
	}
	if _, taken := t.Get(tx, c.ChosenID); taken {
		return "", &cloud.Error{Kind: cloud.Conflict, Op: op, Resource: resource, ID: c.ChosenID, Msg: fmt.Sprintf("The id %s is in use already.", c.ChosenID)}
	}
	return c.ChosenID, nil
}

// standsIn reports whether an id names something a plan will make (I9).
func standsIn(id string) bool { return id == cloud.UnknownID }

// contest decides about a clash (I9): it is an error, unless this is a plan
// session and what stands in the way was there before it. Then the plan may
// still remove it, and a warning says that it has to.
func contest(tx *statestore.Txn, inBase func(r statestore.Reader) bool, e *cloud.Error) error {
	base := tx.Base()
	if base == nil || !inBase(base) {
		return e
	}
	tx.Warn(e.Msg + " This works only if another change of the same plan frees it first.")
	return nil
}

// exists returns a look-up of a row by key, for contest.
func exists[T any](t *statestore.Table[T], key string) func(statestore.Reader) bool {
	return func(r statestore.Reader) bool {
		_, ok := t.Get(r, key)
		return ok
	}
}
