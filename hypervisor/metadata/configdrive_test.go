package metadata

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	diskfile "github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"
	"github.com/google/go-cmp/cmp"
)

// read takes an image apart with a library that had no part in making it.
func read(t *testing.T, image []byte) (label string, files map[string]string) {
	t.Helper()
	at := filepath.Join(t.TempDir(), "drive.iso")
	must(t, os.WriteFile(at, image, 0o600))
	b, err := diskfile.OpenFromPath(at, true)
	must(t, err)
	defer b.Close()
	iso, err := iso9660.Read(b, int64(len(image)), 0, 2048)
	must(t, err)
	files = map[string]string{}
	var descend func(string)
	descend = func(dir string) {
		entries, err := iso.ReadDir(dir)
		must(t, err)
		for _, e := range entries {
			name := strings.TrimPrefix(dir+"/"+e.Name(), "./")
			if e.IsDir() {
				descend(name)
				continue
			}
			f, err := iso.Open(name)
			must(t, err)
			content, err := io.ReadAll(f)
			must(t, err)
			f.Close()
			files[name] = string(content)
		}
	}
	descend(".")
	return strings.TrimSpace(iso.Label()), files
}

func drive(t *testing.T, i Instance) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, ConfigDrive(&b, i))
	return b.Bytes()
}

func TestConfigDriveHoldsWhatIsServed(t *testing.T) {
	i := guest()
	label, files := read(t, drive(t, i))
	if label != ConfigDriveLabel {
		t.Errorf("label is %q", label)
	}
	for _, v := range append(slices.Clone(openstackVersions), latest) {
		for _, doc := range strings.Split(get(t, i, "/openstack/"+v), "\n") {
			path := "openstack/" + v + "/" + doc
			if got, ok := files[path]; !ok || got != get(t, i, "/"+path) {
				t.Errorf("%s is %q on the drive", path, got)
			}
			delete(files, path)
		}
	}
	for _, v := range []string{"2009-04-04", latest} {
		var md map[string]any
		must(t, json.Unmarshal([]byte(files["ec2/"+v+"/meta-data.json"]), &md))
		if md["instance-id"] != "i-8f3f9b5c" || md["public-keys"].(map[string]any)["0"].(map[string]any)["openssh-key"] != "ssh-ed25519 AAAA ops" {
			t.Errorf("ec2/%s says %v", v, md)
		}
		if files["ec2/"+v+"/user-data"] != string(i.UserData) {
			t.Errorf("ec2/%s has user data %q", v, files["ec2/"+v+"/user-data"])
		}
		delete(files, "ec2/"+v+"/meta-data.json")
		delete(files, "ec2/"+v+"/user-data")
	}
	if len(files) > 0 {
		t.Errorf("more on the drive: %v", files)
	}
}

func TestConfigDriveIsTheSameBytes(t *testing.T) {
	a, b := drive(t, guest()), drive(t, guest())
	if !bytes.Equal(a, b) {
		t.Error("two drives of one instance differ")
	}
	other := guest()
	other.Name = "other"
	if bytes.Equal(a, drive(t, other)) {
		t.Error("drives of two instances are equal")
	}
	if len(a)%2048 != 0 {
		t.Errorf("%d bytes are no whole sectors", len(a))
	}
}

func TestConfigDriveOfSizes(t *testing.T) {
	for _, n := range []int{0, 1, 2047, 2048, 2049, 65535} {
		i := guest()
		i.UserData = bytes.Repeat([]byte{'x'}, n)
		_, files := read(t, drive(t, i))
		if got, ok := files["openstack/latest/user_data"]; ok != (n > 0) || len(got) != n {
			t.Errorf("%d bytes of user data: read %d", n, len(got))
		}
	}
}

// Directories of more than a sector, names of many lengths.
func TestISOWithManyEntries(t *testing.T) {
	root, want := newDir(), map[string]string{}
	sub := newDir()
	for n := range 200 {
		name := strings.Repeat("n", 1+n%60) + itoa(n) + ".txt"
		sub.add(name, content(itoa(n)))
		want["deep/down/"+name] = itoa(n)
	}
	mid := newDir()
	mid.add("down", sub)
	root.add("deep", mid)
	root.add("empty", newDir())
	var b bytes.Buffer
	must(t, writeISO(&b, "L", root))
	_, got := read(t, b.Bytes())
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	bad := newDir()
	bad.add(strings.Repeat("n", 80), content(""))
	if err := writeISO(io.Discard, "L", bad); err == nil {
		t.Error("a name that does not fit is taken")
	}
}

func content(s string) node { return file{data: []byte(s)} }

// full is a disk with room for so many bytes.
type full struct{ room int }

func (f *full) Write(b []byte) (int, error) {
	if f.room -= len(b); f.room < 0 {
		return 0, fs.ErrInvalid
	}
	return len(b), nil
}

func TestConfigDriveTellsThatItDidNotFit(t *testing.T) {
	size := len(drive(t, guest()))
	must(t, ConfigDrive(&full{size}, guest()))
	for _, room := range []int{0, 4096, size - 1} {
		if err := ConfigDrive(&full{room}, guest()); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("with room for %d bytes: %v", room, err)
		}
	}
}
