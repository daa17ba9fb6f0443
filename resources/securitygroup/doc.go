// Package securitygroup is the Terraform resource and data source
// cloudlet_security_group: a group of the network API v2.0 together with all of its
// rules.
//
// The set of rules is authoritative: a rule that somebody else adds shows in the
// plan and is taken away by apply. The two rules that every new group is given by
// the API (all traffic out, IPv4 and IPv6) are told by one attribute,
// default_egress, so that nobody has to write them down.
//
// Rules have no id here: two are the same if they let the same traffic pass
// (rule.key), however that is spelled.
package securitygroup
