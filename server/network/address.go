package network

import (
	"encoding/hex"
	"math/bits"
	"net/netip"
	"slices"

	"github.com/cloudlet/cloudlet/statestore"
)

// How addresses are given out (I8). A subnet is cut into blocks of 256. A block
// that was touched has a row with one bit per address: set if it cannot be given
// out, because it is held by a port or lies in no pool. The frontier is the
// first pool address whose block was not opened yet. A free address is the
// lowest clear bit of the lowest open block or, if no block is open, the
// frontier. So each address costs a look-up or two and one row written, however
// large and full the subnet is; a /64 costs nothing before it is used.

// AddressBlock is 256 neighbouring addresses.
type AddressBlock struct {
	SubnetID string
	Base     netip.Addr // the first; ends in .0 or 00
	Taken    [4]uint64  // bit i of word i/64: Base+i cannot be given out
	Reached  bool       // the frontier has passed it
}

// AddressBlocks is the table of touched blocks.
//
//   - subnet: the subnet
//   - open: the subnet, of blocks that have a free address and lie before the frontier
var AddressBlocks = statestore.NewTable(statestore.TableDef[AddressBlock]{
	Name:    "address_block",
	Version: 1,
	Key:     func(b *AddressBlock) string { return blockKey(b.SubnetID, b.Base) },
	Indexes: []statestore.Index[AddressBlock]{
		{Name: "subnet", Keys: func(b *AddressBlock) []string { return []string{b.SubnetID} }},
		{Name: "open", Keys: func(b *AddressBlock) []string {
			if !b.Reached || b.free() < 0 {
				return nil
			}
			return []string{b.SubnetID}
		}},
	},
})

// AddressPool is how far a subnet's addresses were opened.
type AddressPool struct {
	SubnetID string
	Frontier netip.Addr // the zero Addr: all blocks are open
}

// AddressPools is the table of frontiers, one for each subnet.
var AddressPools = statestore.NewTable(statestore.TableDef[AddressPool]{
	Name: "address_pool", Version: 1, Key: func(p *AddressPool) string { return p.SubnetID },
})

func blockKey(subnetID string, base netip.Addr) string {
	return statestore.Key(subnetID, hex.EncodeToString(base.AsSlice()))
}

// split returns an address's block and its place there.
func split(a netip.Addr) (base netip.Addr, i int) {
	b := a.AsSlice()
	i = int(b[len(b)-1])
	b[len(b)-1] = 0
	base, _ = netip.AddrFromSlice(b)
	return base, i
}

func (b *AddressBlock) at(i int) netip.Addr {
	s := b.Base.AsSlice()
	s[len(s)-1] = byte(i)
	a, _ := netip.AddrFromSlice(s)
	return a
}

// free returns the place of the lowest free address, -1 if there is none.
func (b *AddressBlock) free() int {
	for w, word := range b.Taken {
		if word != ^uint64(0) {
			return w*64 + bits.TrailingZeros64(^word)
		}
	}
	return -1
}

func (b *AddressBlock) mark(i int, taken bool) {
	if taken {
		b.Taken[i/64] |= 1 << (i % 64)
	} else {
		b.Taken[i/64] &^= 1 << (i % 64)
	}
}

// inPools reports whether the address may be given out unasked.
func (s Subnet) inPools(a netip.Addr) bool {
	i, _ := slices.BinarySearchFunc(s.Pools, a, func(p Range, a netip.Addr) int { return p.Last.Compare(a) })
	return i < len(s.Pools) && s.Pools[i].Contains(a)
}

// block returns a block as it is or, untouched, as it would be.
func (s Subnet) block(r statestore.Reader, base netip.Addr) AddressBlock {
	if b, ok := AddressBlocks.Get(r, blockKey(s.ID, base)); ok {
		return b
	}
	b := AddressBlock{SubnetID: s.ID, Base: base}
	for i := range 256 {
		if !s.inPools(b.at(i)) {
			b.mark(i, true)
		}
	}
	return b
}

// poolBegin sets up the books of a subnet whose ports hold what they hold.
func poolBegin(tx *statestore.Txn, s Subnet) {
	p := AddressPool{SubnetID: s.ID}
	if len(s.Pools) > 0 {
		p.Frontier = s.Pools[0].First
	}
	AddressPools.Put(tx, p)
	for port := range Ports.By(tx, "subnet", s.ID) {
		for _, f := range port.FixedIPs {
			if f.SubnetID == s.ID {
				addressMark(tx, s, f.Address, true)
			}
		}
	}
}

// poolEnd removes the books of a subnet.
func poolEnd(tx *statestore.Txn, subnetID string) {
	var keys []string
	for b := range AddressBlocks.By(tx, "subnet", subnetID) {
		keys = append(keys, blockKey(subnetID, b.Base))
	}
	for _, k := range keys {
		AddressBlocks.Delete(tx, k)
	}
	AddressPools.Delete(tx, subnetID)
}

// addressMark notes that an address is held or is free again.
func addressMark(tx *statestore.Txn, s Subnet, a netip.Addr, held bool) {
	if !s.inPools(a) {
		return
	}
	base, i := split(a)
	b := s.block(tx, base)
	b.mark(i, held)
	AddressBlocks.Put(tx, b)
}

// addressNext takes the next free address out of the subnet's pools; false if
// there is none.
func addressNext(tx *statestore.Txn, s Subnet) (netip.Addr, bool) {
	for {
		b, ok := AddressBlocks.First(tx, "open", s.ID)
		if ok {
			i := b.free()
			b.mark(i, true)
			AddressBlocks.Put(tx, b)
			return b.at(i), true
		}
		if !advance(tx, s) {
			return netip.Addr{}, false
		}
	}
}

// advance opens the block at the frontier; false if all are open.
func advance(tx *statestore.Txn, s Subnet) bool {
	p, ok := AddressPools.Get(tx, s.ID)
	if !ok || !p.Frontier.IsValid() {
		return false
	}
	base, _ := split(p.Frontier)
	b := s.block(tx, base)
	b.Reached = true
	AddressBlocks.Put(tx, b)
	last := b.at(255)
	p.Frontier = netip.Addr{}
	for _, pool := range s.Pools {
		if last.Less(pool.Last) {
			p.Frontier = last.Next()
			if p.Frontier.Less(pool.First) {
				p.Frontier = pool.First
			}
			break
		}
	}
	AddressPools.Put(tx, p)
	return true
}
