package bridge

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// The names of what is in a network's namespace.
const (
	bridgeName = "br0"
	wireName   = "wire0"
)

// short makes a name's part of an id that is too long for one.
func short(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])[:12]
}

// The names of what is ours in the host's namespace, 15 bytes, all that a device
// name can have.
func tapName(portID string) string       { return "clt" + short(portID) }
func uplinkName(networkID string) string { return "clu" + short(networkID) }

// A mark is what the alias of each of our devices says.
type mark struct {
	network string
	port    string // of a tap
	vni     int    // of a bridge
	physnet string // of a bridge
}

const markWord = "cloudlet"

func (m mark) String() string {
	s := markWord + " network=" + m.network
	if m.port != "" {
		return s + " port=" + m.port
	}
	s += " vni=" + strconv.Itoa(m.vni)
	if m.physnet != "" {
		s += " physnet=" + m.physnet
	}
	return s
}

// parseMark tells whether the alias is one of ours, and what it says.
func parseMark(alias string) (mark, bool) {
	rest, ok := strings.CutPrefix(alias, markWord+" network=")
	if !ok {
		return mark{}, false
	}
	var m mark
	rest, m.physnet, _ = strings.Cut(rest, " physnet=") // may hold spaces, and is last
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return mark{}, false
	}
	m.network = fields[0]
	for _, f := range fields[1:] {
		key, value, _ := strings.Cut(f, "=")
		switch key {
		case "port":
			m.port = value
		case "vni":
			n, err := strconv.Atoi(value)
			if err != nil {
				return mark{}, false
			}
			m.vni = n
		}
	}
	return m, true
}
