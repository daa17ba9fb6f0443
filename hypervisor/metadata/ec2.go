package metadata

import (
	"cmp"
	"strconv"
	"strings"
)

// ec2Versions are those that Nova serves, oldest first, without "latest".
var ec2Versions = []string{"1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15",
	"2008-02-01", "2008-09-01", "2009-04-04"}

func itoa(n int) string { return strconv.Itoa(n) }

// ec2Dir returns a version of EC2's tree. All versions have all keys.
func (i Instance) ec2Dir() *dir {
	d := newDir()
	d.add("meta-data", i.ec2Meta())
	if len(i.UserData) > 0 {
		d.add("user-data", file{data: i.UserData, mime: mimeBytes})
	}
	return d
}

func (i Instance) ec2Meta() *dir {
	d := newDir()
	text := func(name, value string) { d.add(name, file{data: []byte(value), mime: mimeText}) }
	text("ami-id", ec2ID("ami", i.ImageID))
	text("ami-launch-index", itoa(i.LaunchIndex))
	text("ami-manifest-path", "(unknown)")
	devices := newDir()
	devices.add("ami", file{data: []byte("vda"), mime: mimeText})
	devices.add("root", file{data: []byte("/dev/vda"), mime: mimeText})
	d.add("block-device-mapping", devices)
	text("hostname", i.hostname())
	text("instance-action", "none")
	text("instance-id", ec2ID("i", i.ID))
	text("instance-type", i.FlavorName)
	text("local-hostname", i.hostname())
	text("local-ipv4", i.firstIPv4())
	placement := newDir()
	placement.add("availability-zone", file{data: []byte(i.AvailabilityZone), mime: mimeText})
	d.add("placement", placement)
	text("public-hostname", i.hostname())
	text("public-ipv4", "")
	if len(i.Keys) > 0 {
		d.add("public-keys", i.ec2Keys())
	}
	text("reservation-id", cmp.Or(i.ReservationID, ec2ID("r", i.ID)))
	text("security-groups", strings.Join(i.SecurityGroups, "\n"))
	return d
}

// ec2Keys lists "0=name", and below 0 the key's formats: EC2's own oddity.
func (i Instance) ec2Keys() *dir {
	keys := newDir()
	for n, k := range i.Keys {
		format := newDir()
		format.add("openssh-key", file{data: []byte(k.Data), mime: mimeText})
		keys.add(itoa(n), format)
		keys.label(itoa(n), itoa(n)+"="+k.Name)
	}
	return keys
}

// ec2ID makes an id of EC2's form of a UUID, such as i-0a1b2c3d. Nova numbers
// them; a client only compares them.
func ec2ID(prefix, uuid string) string {
	if uuid == "" {
		return ""
	}
	hex := strings.ReplaceAll(uuid, "-", "")
	return prefix + "-" + hex[:min(8, len(hex))]
}
