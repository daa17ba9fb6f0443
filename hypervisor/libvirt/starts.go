package libvirt

import (
	"encoding/xml"
	"net/url"
	"os"
	"path/filepath"
)

// forgetStarts removes libvirt's notes of starts of our domains that have no process
// yet.
//
// libvirtd writes one when it begins to start a domain. If it is killed before there is
// a process, the next libvirtd (9.0 at least) reads that the domain is starting, has
// process 0 and is busy with that start, which nobody ends: it waits in vain with every
// call for the domain, and so does each libvirtd after it. Without the note the domain is
// off, as is true. A libvirtd that lives writes the note anew when there is a process, so
// this may be done at any time; it helps between two.
func forgetStarts(uri string) {
	notes, _ := filepath.Glob(filepath.Join(stateDir(uri), namePrefix+"*.xml"))
	for _, note := range notes {
		if startsWithout(note) {
			os.Remove(note)
		}
	}
}

// stateDir is where the libvirtd of a URI keeps the notes of what runs: beside its socket.
func stateDir(uri string) string {
	socket := "/run/libvirt/libvirt-sock"
	if u, err := url.Parse(uri); err == nil && u.Query().Has("socket") {
		socket = u.Query().Get("socket")
	}
	return filepath.Join(filepath.Dir(socket), "qemu")
}

// startsWithout tells whether a note is of a domain that starts and has no process.
func startsWithout(note string) bool {
	f, err := os.Open(note)
	if err != nil {
		return false
	}
	defer f.Close()
	for dec := xml.NewDecoder(f); ; {
		t, err := dec.Token()
		if err != nil {
			return false
		}
		root, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		is := map[string]string{}
		for _, a := range root.Attr {
			is[a.Name.Local] = a.Value
		}
		return root.Name.Local == "domstatus" && is["reason"] == "starting up" && is["pid"] == "0"
	}
}
