package bridge

import (
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
)

// The tables, of the same name in both families.
var (
	bridgeTable = &nftables.Table{Name: "cloudlet", Family: nftables.TableFamilyBridge}
	inetTable   = &nftables.Table{Name: "cloudlet", Family: nftables.TableFamilyINet}
)

// Maps and sets that the base chains look into. EnsureFilters fills the maps,
// EnsureNetwork the sets.
var (
	portsMap   = nameMap("ports", nftables.TypeMark)
	fromMap    = nameMap("from", nftables.TypeVerdict)
	toMap      = nameMap("to", nftables.TypeVerdict)
	toLegMap   = nameMap("to-leg", nftables.TypeVerdict)
	fromLegMap = nameMap("from-leg", nftables.TypeVerdict)
	egressMap  = &nftables.Set{Table: inetTable, Name: "egress", IsMap: true, KeyType: nftables.TypeMark,
		DataType: nftables.TypeVerdict, KeyByteOrder: binaryutil.NativeEndian}
	ingressMap = &nftables.Set{Table: inetTable, Name: "ingress", IsMap: true, KeyType: nftables.TypeMark,
		DataType: nftables.TypeVerdict, KeyByteOrder: binaryutil.NativeEndian}
	leg4Set = &nftables.Set{Table: bridgeTable, Name: "leg4", KeyType: nftables.TypeIPAddr}
	leg6Set = &nftables.Set{Table: bridgeTable, Name: "leg6", KeyType: nftables.TypeIP6Addr}

	filterMaps = []*nftables.Set{portsMap, fromMap, toMap, toLegMap, fromLegMap, egressMap, ingressMap}
)

func nameMap(name string, data nftables.SetDatatype) *nftables.Set {
	return &nftables.Set{Table: bridgeTable, Name: name, IsMap: true, KeyType: nftables.TypeIFName, DataType: data, KeyByteOrder: binaryutil.NativeEndian}
}

// A batch is one transaction of nftables. Its first error is told by commit.
type batch struct {
	conn *nftables.Conn
	sets uint32                     // numbered so far
	old  map[string]*nftables.Chain // chains of ports that were there and have not been asked for yet
	err  error
}

func newBatch(ns *netNS) (*batch, error) {
	c, err := nftables.New(nftables.WithNetNSFd(int(ns.fd)), nftables.WithSockOptions(func(c *netlink.Conn) error {
		// All of a transaction goes out at once, and each of its messages is
		// acknowledged: thousands of rules must fit.
		if err := c.SetWriteBuffer(64 << 20); err != nil {
			return err
		}
		return c.SetReadBuffer(64 << 20)
	}))
	if err != nil {
		return nil, fmt.Errorf("nftables: %w", err)
	}
	return &batch{conn: c}, nil
}

func (b *batch) keep(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *batch) commit() error {
	if b.err != nil {
		return fmt.Errorf("nftables: %w", b.err)
	}
	if err := b.conn.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return nil
}

// number gives a set an id in the transaction; the library's own counter is not
// safe for several connections.
func (b *batch) number(s nftables.Set) *nftables.Set {
	b.sets++
	s.ID = b.sets
	return &s
}

func (b *batch) set(s *nftables.Set) { b.keep(b.conn.AddSet(b.number(*s), nil)) }

// fill replaces a set's elements.
func (b *batch) fill(s *nftables.Set, elements []nftables.SetElement) {
	b.conn.FlushSet(s)
	if len(elements) > 0 {
		b.keep(b.conn.SetAddElements(s, elements))
	}
}

// anonymous adds a set for the one rule that is added next.
func (b *batch) anonymous(t *nftables.Table, key nftables.SetDatatype, interval bool, elements []nftables.SetElement) *nftables.Set {
	s := b.number(nftables.Set{Table: t, Name: "__set%d", Anonymous: true, Constant: true, Interval: interval, KeyType: key})
	b.keep(b.conn.AddSet(s, elements))
	return s
}

func (b *batch) base(t *nftables.Table, name string, hook *nftables.ChainHook, prio nftables.ChainPriority) chain {
	policy := nftables.ChainPolicyDrop
	return chain{b, b.conn.AddChain(&nftables.Chain{Table: t, Name: name, Type: nftables.ChainTypeFilter, Hooknum: hook,
		Priority: &prio, Policy: &policy})}
}

func (b *batch) chain(t *nftables.Table, name string) chain {
	return chain{b, b.conn.AddChain(&nftables.Chain{Table: t, Name: name})}
}

// A chain takes rules, in order.
type chain struct {
	b *batch
	c *nftables.Chain
}

func (c chain) rule(parts ...part) {
	var all []expr.Any
	for _, p := range parts {
		all = append(all, slices.Clone(p)...)
	}
	c.b.conn.AddRule(&nftables.Rule{Table: c.c.Table, Chain: c.c, Exprs: all})
}
