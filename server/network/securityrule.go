package network

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
)

func itoa(i int) string { return strconv.Itoa(i) }

// Direction says which way a rule's traffic goes, seen from the guest.
type Direction string

// Ethertype is the IP version a rule is about.
type Ethertype string

// The directions and ethertypes, as Neutron names them.
const (
	Ingress Direction = "ingress"
	Egress  Direction = "egress"
	IPv4    Ethertype = "IPv4"
	IPv6    Ethertype = "IPv6"
)

// SecurityRule lets something pass.
type SecurityRule struct {
	ID          string
	GroupID     string
	ProjectID   string
	Description string
	Direction   Direction
	Ethertype   Ethertype
	Protocol    string // a name or number as it was given, in lower case; empty: any. See ProtocolNumber
	// PortMin and PortMax are the destination ports of TCP, UDP, SCTP, DCCP and
	// UDP-Lite, both or none; of ICMP, type and code, of which the code may be nil.
	PortMin, PortMax *int
	RemotePrefix     netip.Prefix // the zero Prefix: any
	RemoteGroupID    string       // members of this group; empty: any

	Revision             int
	CreatedAt, UpdatedAt time.Time
}

// SecurityRules is the table of rules.
//
//   - project: the owner
//   - group: the group
//   - remote_group: the group whose members it is about
//   - same: what it lets pass, by signature: two rules of a group never share one
var SecurityRules = statestore.NewTable(statestore.TableDef[SecurityRule]{
	Name:    "security_rule",
	Version: 1,
	Key:     func(r *SecurityRule) string { return r.ID },
	Indexes: []statestore.Index[SecurityRule]{
		{Name: "project", Keys: func(r *SecurityRule) []string { return []string{r.ProjectID} }},
		{Name: "group", Keys: func(r *SecurityRule) []string { return []string{r.GroupID} }},
		{Name: "remote_group", Keys: func(r *SecurityRule) []string { return present(r.RemoteGroupID) }},
		{Name: "same", Keys: func(r *SecurityRule) []string { return []string{r.signature()} }},
	},
})

// protocols are the names that Neutron knows, with their numbers (IANA).
var protocols = map[string]int{
	"ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "hopopt": 0, "icmp": 1, "icmpv6": 58, "igmp": 2, "ip": 0, "ipip": 4,
	"ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "ipv6-route": 43, "ospf": 89, "pgm": 113,
	"rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136, "vrrp": 112,
}

// Protocol numbers that rules treat apart.
const (
	protoICMP    = 1
	protoTCP     = 6
	protoUDP     = 17
	protoDCCP    = 33
	protoICMPv6  = 58
	protoSCTP    = 132
	protoUDPLite = 136
)

// ProtocolNumber returns the IP protocol that the rule is about; false if it is
// about all. ICMP of an IPv6 rule is ICMPv6.
func (r SecurityRule) ProtocolNumber() (int, bool) {
	n, ok := protocols[r.Protocol]
	if !ok {
		var err error
		if n, err = strconv.Atoi(r.Protocol); err != nil {
			return 0, false
		}
	}
	if n == 0 && r.Protocol != "hopopt" {
		return 0, false
	}
	if n == protoICMP && r.Ethertype == IPv6 {
		n = protoICMPv6
	}
	return n, true
}

// signature is equal for two rules that let the same pass.
func (r SecurityRule) signature() string {
	proto := "any"
	if n, ok := r.ProtocolNumber(); ok {
		proto = itoa(n)
	}
	port := func(p *int) string {
		if p == nil {
			return ""
		}
		return itoa(*p)
	}
	remote := ""
	if r.RemotePrefix.IsValid() && r.RemotePrefix.Bits() > 0 {
		remote = r.RemotePrefix.Masked().String()
	}
	return statestore.Key(r.GroupID, string(r.Direction), string(r.Ethertype), proto, port(r.PortMin), port(r.PortMax), remote, r.RemoteGroupID)
}

// RuleSpec is what a new rule is to be.
type RuleSpec struct {
	ProjectID        string // the group's
	GroupID          string
	Description      string
	Direction        Direction
	Ethertype        Ethertype // empty: IPv4, or what the prefix or protocol says
	Protocol         string
	PortMin, PortMax *int
	RemotePrefix     netip.Prefix
	RemoteGroupID    string
}

// SecurityRuleGet returns the rule if the caller owns its group, else NotFound.
func SecurityRuleGet(r statestore.Reader, c cloud.Caller, id string) (SecurityRule, error) {
	rule, ok := SecurityRules.Get(r, id)
	if !ok || !c.Admin() && !c.Owns(rule.ProjectID) {
		return SecurityRule{}, missing("SecurityRuleGet", "security_group_rule", id, "Security group rule %s does not exist.")
	}
	return rule, nil
}

// SecurityRuleCreate adds a rule to a group. Error kinds: NotFound (groups),
// Invalid, Conflict if the group has it already, Quota.
func SecurityRuleCreate(tx *statestore.Txn, c cloud.Caller, spec RuleSpec) (SecurityRule, error) {
	const op = "SecurityRuleCreate"
	g, err := SecurityGroupGet(tx, c, spec.GroupID)
	if err != nil {
		return SecurityRule{}, cloud.AsError(err).At("/security_group_id")
	}
	project := g.ProjectID
	if standsIn(g.ID) || spec.ProjectID != "" {
		if project, err = owner(op, "security_group_rule", c, spec.ProjectID); err != nil {
			return SecurityRule{}, err
		}
	}
	r := SecurityRule{GroupID: g.ID, ProjectID: project, Description: spec.Description, Direction: spec.Direction, Ethertype: spec.Ethertype,
		Protocol: strings.ToLower(spec.Protocol), PortMin: spec.PortMin, PortMax: spec.PortMax, RemotePrefix: spec.RemotePrefix, RemoteGroupID: spec.RemoteGroupID}
	if err := r.check(op); err != nil {
		return r, err
	}
	if r.RemoteGroupID != "" {
		if _, err := SecurityGroupGet(tx, c, r.RemoteGroupID); err != nil {
			return r, cloud.AsError(err).At("/remote_group_id")
		}
	}
	if err := quotaTake(tx, op, QuotaRules, project, SecurityRules, func(r SecurityRule) string { return r.ID }); err != nil {
		return r, err
	}
	if err := checkTwin(tx, op, r); err != nil {
		return r, err
	}
	r = ruleInsert(tx, r)
	if !standsIn(g.ID) {
		groupTouch(tx, g)
	}
	return r, nil
}

// checkTwin refuses a rule that the group has already.
func checkTwin(tx *statestore.Txn, op string, r SecurityRule) error {
	if standsIn(r.GroupID) || standsIn(r.RemoteGroupID) {
		return nil
	}
	twin, ok := SecurityRules.First(tx, "same", r.signature())
	if !ok {
		return nil
	}
	e := conflict(RuleExists, op, "security_group_rule", twin.ID, "", "Security group rule already exists. Rule id is %s.", twin.ID)
	return contest(tx, exists(SecurityRules, twin.ID), e)
}

func ruleInsert(tx *statestore.Txn, r SecurityRule) SecurityRule {
	r.ID, r.Revision, r.CreatedAt, r.UpdatedAt = tx.NewID(), 1, tx.Now(), tx.Now()
	SecurityRules.Put(tx, r)
	return r
}

// SecurityRuleDelete removes a rule. Error kinds: NotFound.
func SecurityRuleDelete(tx *statestore.Txn, c cloud.Caller, id string) error {
	r, err := SecurityRuleGet(tx, c, id)
	if err != nil {
		return err
	}
	SecurityRules.Delete(tx, id)
	if g, ok := SecurityGroups.Get(tx, r.GroupID); ok && !standsIn(g.ID) {
		groupTouch(tx, g)
	}
	return nil
}
