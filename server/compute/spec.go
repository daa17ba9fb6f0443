package compute

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// NICSpec asks for a network attachment: a port that exists, or a new one on a
// network.
type NICSpec struct {
	PortID    string
	NetworkID string
	FixedIP   string // of a new port; "" for any
	Tag       string
}

// InstanceSpec is what InstanceCreate is asked for.
type InstanceSpec struct {
	Name        string
	Hostname    string // "" for one made of the name
	Description string
	FlavorID    string
	ImageID     string
	KeyName     string
	UserData    string // base64
	Metadata    map[string]string
	Tags        []string
	ConfigDrive bool
	Zone        string // availability zone; "" for any
	Host        string // by name, for admins; "" for any
	Min, Max    int    // how many; 0 means 1
	AccessIPv4  string
	AccessIPv6  string
	DiskConfig  string // AUTO, MANUAL; "" means MANUAL
	Hints       map[string][]string

	// Networks are attached in this order. Without any: NoNetwork attaches none,
	// AutoNetwork the project's only network (an error if there is none or several),
	// neither of them the project's only network if there is one.
	Networks       []NICSpec
	AutoNetwork    bool
	NoNetwork      bool
	SecurityGroups []string // names or ids, for the ports that are made; none: "default"
}

// Limits of what a request may hold.
const (
	MaxUserData = 65535 // base64 characters
	MaxTags     = 50
	maxName     = 255
	maxBatch    = 1000
	maxGroups   = 100      // security groups named at creation
	maxHints    = 32 << 10 // bytes of scheduler hints
)

var (
	tagPattern      = regexp.MustCompile(`^[^,/]{1,60}$`)
	hostnamePattern = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`)
	nicTagPattern   = regexp.MustCompile(`^[^,/]{1,60}$`)
)

// check makes the spec complete and refuses what is wrong whatever the state is.
func (s *InstanceSpec) check(op string) error {
	s.Name = trim(s.Name)
	if err := checkName(op, "/server/name", s.Name); err != nil {
		return err
	}
	if len(s.Description) > 255 {
		return invalid(op, "instance", "/server/description", "Invalid input for field/attribute description: it is longer than 255 characters.")
	}
	if s.Hostname != "" && !hostnamePattern.MatchString(s.Hostname) {
		return invalid(op, "instance", "/server/hostname", "Invalid input for field/attribute hostname. Value: %s. It must be a host name of at most 63 letters, digits and inner hyphens (RFC 1123).", s.Hostname)
	}
	if err := checkUserData(op, s.UserData); err != nil {
		return err
	}
	if err := checkMetadata(op, "/server/metadata", s.Metadata); err != nil {
		return err
	}
	var err error
	if s.Tags, err = checkTags(op, "/server/tags", s.Tags); err != nil {
		return err
	}
	s.DiskConfig = cmp.Or(s.DiskConfig, "MANUAL")
	return cmp.Or(s.checkCount(op), s.checkNetworks(op), s.checkIntent(op), checkAccess(op, s.AccessIPv4, s.AccessIPv6), checkDiskConfig(op, s.DiskConfig))
}

func (s *InstanceSpec) checkCount(op string) error {
	if s.Min < 0 || s.Max < 0 || s.Min > maxBatch || s.Max > maxBatch {
		return invalid(op, "instance", "/server/max_count", "Invalid input for field/attribute min_count or max_count: 1 to %d instances can be created at once.", maxBatch)
	}
	if s.Max == 0 {
		s.Max = max(s.Min, 1)
	}
	s.Min = max(s.Min, 1)
	if s.Min > s.Max {
		return invalid(op, "instance", "/server/min_count", "min_count must be <= max_count")
	}
	if s.Max > 1 && s.Hostname != "" {
		s.Hostname = "" // as Nova: several instances are named after their names
	}
	return nil
}

func (s *InstanceSpec) checkNetworks(op string) error {
	ports := map[string]bool{}
	for n, nic := range s.Networks {
		at := fmt.Sprintf("/server/networks/%d", n)
		switch {
		case nic.PortID == "" && nic.NetworkID == "":
			return invalid(op, "instance", at, "Invalid input for field networks/%d: a network needs a uuid or a port.", n)
		case nic.PortID != "" && nic.FixedIP != "":
			return invalid(op, "instance", at+"/fixed_ip", "Specified Fixed IP '%s' cannot be used with port '%s': the two cannot be specified together.", nic.FixedIP, nic.PortID)
		case nic.PortID != "" && s.Max > 1:
			return invalid(op, "instance", at+"/port", "Unable to launch multiple instances with a single configured port ID. Please launch your instance one by one with different ports.")
		case nic.FixedIP != "" && s.Max > 1:
			return invalid(op, "instance", at+"/fixed_ip", "Invalid fixed IP Address: max_count cannot be greater than 1 if an IP address is specified.")
		case nic.Tag != "" && !nicTagPattern.MatchString(nic.Tag):
			return invalid(op, "instance", at+"/tag", "Invalid input for field networks/%d/tag: 1 to 60 characters without ',' and '/'.", n)
		case nic.PortID != "" && !standsIn(nic.PortID) && ports[nic.PortID]:
			return conflict(op, "", "Port %s is still in use: it is named twice.", nic.PortID).At(at + "/port")
		}
		if nic.FixedIP != "" {
			if _, err := netip.ParseAddr(nic.FixedIP); err != nil {
				return invalid(op, "instance", at+"/fixed_ip", "Invalid fixed IP address (%s).", nic.FixedIP)
			}
		}
		ports[nic.PortID] = true
	}
	return nil
}

// checkIntent bounds what is kept as it was asked for.
func (s *InstanceSpec) checkIntent(op string) error {
	if len(s.SecurityGroups) > maxGroups {
		return invalid(op, "instance", "/server/security_groups", "Invalid input for field security_groups: there are %d, at most %d are allowed.", len(s.SecurityGroups), maxGroups)
	}
	size := 0
	for name, values := range s.Hints {
		size += len(name)
		for _, v := range values {
			size += len(v) + 1 // an empty one counts too
		}
	}
	if size > maxHints {
		return invalid(op, "instance", "/os:scheduler_hints", "Invalid input for field os:scheduler_hints: they have %d bytes, at most %d are allowed.", size, maxHints)
	}
	return nil
}

func checkName(op, field, name string) error {
	if name == "" || utf8.RuneCountInString(name) > maxName || !printable.MatchString(name) {
		return invalid(op, "instance", field, "Invalid input for field/attribute name. It must have 1 to %d printable characters.", maxName)
	}
	return nil
}

func checkUserData(op, data string) error {
	if len(data) > MaxUserData {
		return invalid(op, "instance", "/server/user_data", "Invalid input for field/attribute user_data: it has %d characters in base64; at most %d are allowed.", len(data), MaxUserData)
	}
	if _, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "").Replace(data)); err != nil {
		return invalid(op, "instance", "/server/user_data", "Userdata content needs to be valid base 64.")
	}
	return nil
}

func checkMetadata(op, field string, m map[string]string) error {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if k == "" || utf8.RuneCountInString(k) > 255 {
			return invalid(op, "instance", field+"/"+k, "Invalid metadata key: 1 to 255 characters are allowed.")
		}
		if utf8.RuneCountInString(m[k]) > 255 {
			return invalid(op, "instance", field+"/"+k, "Metadata value of %s is greater than 255 characters.", k)
		}
	}
	return nil
}

func checkDiskConfig(op, s string) error {
	if s != "AUTO" && s != "MANUAL" {
		return invalid(op, "instance", "/server/OS-DCF:diskConfig", "Invalid input for field/attribute OS-DCF:diskConfig. Value: %s. '%s' is not one of ['AUTO', 'MANUAL']", s, s)
	}
	return nil
}

func checkTags(op, field string, tags []string) ([]string, error) {
	tags = slices.Clone(tags)
	slices.Sort(tags)
	tags = slices.Compact(tags)
	if len(tags) > MaxTags {
		return nil, invalid(op, "instance", field, "The number of tags exceeded the per-server limit %d", MaxTags)
	}
	for _, t := range tags {
		if !tagPattern.MatchString(t) {
			return nil, invalid(op, "instance", field, "Invalid input for tag %q: 1 to 60 characters without ',' and '/'.", t)
		}
	}
	return tags, nil
}

func checkAccess(op, v4, v6 string) error {
	if a, err := netip.ParseAddr(v4); v4 != "" && (err != nil || !a.Is4()) {
		return invalid(op, "instance", "/server/accessIPv4", "Invalid input for field/attribute accessIPv4. Value: %s. It is not an IPv4 address.", v4)
	}
	if a, err := netip.ParseAddr(v6); v6 != "" && (err != nil || !a.Is6()) {
		return invalid(op, "instance", "/server/accessIPv6", "Invalid input for field/attribute accessIPv6. Value: %s. It is not an IPv6 address.", v6)
	}
	return nil
}

// hostnameOf makes a host name of an instance's name, as Nova does: lower case,
// other characters than letters, digits, dots and hyphens left out.
func hostnameOf(name, id string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r == ' ' || r == '_' || r == '.':
			b.WriteByte('-')
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-':
			b.WriteRune(r)
		}
	}
	h := strings.Trim(b.String(), "-")
	if len(h) > 63 {
		h = strings.TrimRight(h[:63], "-")
	}
	if h == "" {
		return "server-" + id
	}
	return h
}
