package libvirt

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"time"

	"libvirt.org/go/libvirtxml"
)

// Our place in a domain's metadata.
const (
	recordNamespace = "urn:cloudlet:guest:1"
	recordKey       = "cloudlet"
)

// record is what a domain of ours remembers, as the attributes of one element in
// its metadata.
type record struct {
	XMLName xml.Name
	// Digest of the description that the definition was made of.
	Digest string `xml:"digest,attr"`
	Reset  uint64 `xml:"reboot-serial,attr"`
	// Started is the time of the last start; empty for none.
	Started string `xml:"started,attr,omitempty"`
	// Stopped is why it is off, where libvirt does not say or says it wrongly.
	Stopped stopped `xml:"stopped,attr,omitempty"`
	// For people who look with virsh.
	Name    string `xml:"name,attr,omitempty"`
	Project string `xml:"project,attr,omitempty"`
}

type stopped string

const (
	stoppedAsked   stopped = "asked" // Stop has asked the guest to shut down, or cleared a crash
	stoppedByGuest stopped = "guest"
	stoppedCrashed stopped = "crashed"
)

// element is r as SetMetadata wants it.
func (r record) element() string {
	r.XMLName = xml.Name{Local: "guest"}
	return marshal(r)
}

// metadata is r as a domain's definition holds it.
func (r record) metadata() string {
	type plain record
	var e struct {
		XMLName xml.Name
		NS      string `xml:"xmlns:cloudlet,attr"`
		plain
	}
	e.plain = plain(r)
	e.XMLName = xml.Name{Local: recordKey + ":guest"}
	e.NS = recordNamespace
	return marshal(e)
}

func marshal(v any) string {
	text, err := xml.Marshal(v)
	if err != nil {
		panic(err) // only types that can't be marshalled fail
	}
	return string(text)
}

// recordOf finds the record in a domain's definition; false: the domain is not ours.
func recordOf(d *libvirtxml.Domain) (record, bool) {
	if d.Metadata == nil {
		return record{}, false
	}
	dec := xml.NewDecoder(strings.NewReader(d.Metadata.XML))
	for {
		tok, err := dec.Token()
		if err != nil {
			return record{}, false // io.EOF: others' metadata only
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		if start.Name.Space != recordNamespace || start.Name.Local != "guest" {
			if err := dec.Skip(); err != nil && !errors.Is(err, io.EOF) {
				return record{}, false
			}
			continue
		}
		var r record
		if err := dec.DecodeElement(&r, &start); err != nil {
			return record{}, false
		}
		return r, true
	}
}

func (r record) startedAt() time.Time {
	t, err := time.Parse(time.RFC3339Nano, r.Started)
	if err != nil {
		return time.Time{}
	}
	return t
}
