package metadata

import (
	"strings"
)

const (
	mimeJSON  = "application/json"
	mimeText  = "text/plain; charset=UTF-8"
	mimeBytes = "application/octet-stream"
)

// A node of the tree is a *dir or a file.
type node any

type file struct {
	data     []byte
	mime     string
	password bool // may be posted to, once
}

// dir keeps its entries in the order in which they were added.
type dir struct {
	names   []string
	entries map[string]node
	labels  map[string]string // how a listing shows an entry, if not by its name
}

func newDir() *dir { return &dir{entries: map[string]node{}, labels: map[string]string{}} }

func (d *dir) add(name string, n node) {
	d.names = append(d.names, name)
	d.entries[name] = n
}

func (d *dir) label(name, shown string) { d.labels[name] = shown }

// listing is what a GET of the directory shows: a name per line, directories
// with a slash when slashes is set, as EC2's clients need to see what to descend
// into.
func (d *dir) listing(slashes bool) []byte {
	lines := make([]string, 0, len(d.names))
	for _, n := range d.names {
		shown, labelled := d.labels[n]
		if !labelled {
			shown = n
		}
		if _, isDir := d.entries[n].(*dir); isDir && slashes && !labelled {
			shown += "/"
		}
		lines = append(lines, shown)
	}
	return []byte(strings.Join(lines, "\n"))
}

// find walks a path; empty elements (doubled and trailing slashes) do not count.
func (d *dir) find(path string) (node, bool) {
	var at node = d
	for _, name := range strings.Split(path, "/") {
		if name == "" {
			continue
		}
		here, ok := at.(*dir)
		if !ok {
			return nil, false
		}
		if at, ok = here.entries[name]; !ok {
			return nil, false
		}
	}
	return at, true
}

// served is the tree that HTTP serves: EC2's versions at the top, openstack
// beside them.
func (i Instance) served() *dir {
	root := newDir()
	for _, v := range append(ec2Versions[:len(ec2Versions):len(ec2Versions)], latest) {
		root.add(v, i.ec2Dir())
	}
	root.add("openstack", i.openstackDir())
	return root
}

func (i Instance) openstackDir() *dir {
	os := newDir()
	for _, v := range append(openstackVersions[:len(openstackVersions):len(openstackVersions)], latest) {
		os.add(v, i.openstackFiles(v))
	}
	return os
}

// drive is the tree of a config drive: OpenStack's as it is served, and EC2's
// with its meta-data as one JSON document.
func (i Instance) drive() *dir {
	root, ec2 := newDir(), newDir()
	for _, v := range []string{"2009-04-04", latest} {
		d := newDir()
		d.add("meta-data.json", file{data: marshal(i.ec2Meta().plain())})
		if len(i.UserData) > 0 {
			d.add("user-data", file{data: i.UserData})
		}
		ec2.add(v, d)
	}
	root.add("ec2", ec2)
	root.add("openstack", i.openstackDir())
	return root
}

// plain turns text files into strings and directories into maps, for JSON.
func (d *dir) plain() map[string]any {
	out := make(map[string]any, len(d.names))
	for _, n := range d.names {
		switch e := d.entries[n].(type) {
		case *dir:
			out[n] = e.plain()
		case file:
			out[n] = string(e.data)
		}
	}
	return out
}
