package metadata

import (
	"bufio"
	"io"
)

// ConfigDriveLabel is the volume label by which guests find a config drive.
const ConfigDriveLabel = "config-2"

// ConfigDrive writes the instance's config drive to w: an ISO 9660 image with
// the trees openstack/ and ec2/, for a guest without a metadata service. The same
// Instance makes the same bytes. It holds user data and keys: the caller sees to
// it that only the guest reads it.
func ConfigDrive(w io.Writer, i Instance) error {
	b := bufio.NewWriter(w)
	if err := writeISO(b, ConfigDriveLabel, i.drive()); err != nil {
		return err
	}
	return b.Flush()
}
