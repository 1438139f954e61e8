package kernel

import (
	"encoding/binary"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// clause is a part of a rule: what nft calls a statement or an expression, in
// the instructions that it compiles to. Rules are written by joining clauses.
type clause []expr.Any

func rule(clauses ...clause) []expr.Any {
	var all []expr.Any
	for _, c := range clauses {
		all = append(all, c...)
	}
	return all
}

const reg = 1 // the register that all but sets of several fields use

func meta(key expr.MetaKey, op expr.CmpOp, data []byte) clause {
	return clause{&expr.Meta{Key: key, Register: reg}, &expr.Cmp{Op: op, Register: reg, Data: data}}
}

func ifname(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}

func arrivesBy(name string) clause    { return meta(expr.MetaKeyIIFNAME, expr.CmpOpEq, ifname(name)) }
func arrivesNotBy(name string) clause { return meta(expr.MetaKeyIIFNAME, expr.CmpOpNeq, ifname(name)) }
func leavesBy(name string) clause     { return meta(expr.MetaKeyOIFNAME, expr.CmpOpEq, ifname(name)) }
func leavesNotBy(name string) clause  { return meta(expr.MetaKeyOIFNAME, expr.CmpOpNeq, ifname(name)) }
func protocol(p byte) clause          { return meta(expr.MetaKeyL4PROTO, expr.CmpOpEq, []byte{p}) }

// field is an address in the IP header.
type field int

const (
	source field = iota
	destination
)

// header says of which family an address is, for rules in a table of both.
type header struct {
	nfproto byte
	length  uint32 // of an address
	offset  [2]uint32
}

var (
	ip4 = header{unix.NFPROTO_IPV4, 4, [2]uint32{12, 16}}
	ip6 = header{unix.NFPROTO_IPV6, 16, [2]uint32{8, 24}}
)

func headerOf(a netip.Addr) header {
	if a.Is4() {
		return ip4
	}
	return ip6
}

func (h header) family() clause {
	return meta(expr.MetaKeyNFPROTO, expr.CmpOpEq, []byte{h.nfproto})
}

func (h header) load(f field, register uint32) clause {
	return clause{&expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: h.offset[f], Len: h.length}}
}

// within matches packets with an address of the prefix, outside the others of
// the same family.
func within(f field, p netip.Prefix) clause  { return prefix(f, p, expr.CmpOpEq) }
func outside(f field, p netip.Prefix) clause { return prefix(f, p, expr.CmpOpNeq) }

func is(f field, a netip.Addr) clause { return within(f, single(a)) }

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

func prefix(f field, p netip.Prefix, op expr.CmpOp) clause {
	h := headerOf(p.Addr())
	return append(h.family(), bitsAt(h.offset[f], p, op)...)
}

// bitsAt compares the address at an offset of the network header with a prefix.
func bitsAt(offset uint32, p netip.Prefix, op expr.CmpOp) clause {
	want := p.Masked().Addr().AsSlice()
	if p.Bits()%8 == 0 && p.Bits() > 0 { // whole bytes: as nft writes it
		want = want[:p.Bits()/8]
		return clause{
			&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: uint32(len(want))},
			&expr.Cmp{Op: op, Register: reg, Data: want},
		}
	}
	n := uint32(len(want))
	mask := make([]byte, n)
	for i := range p.Bits() {
		mask[i/8] |= 0x80 >> (i % 8)
	}
	return clause{
		&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: n},
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: n, Mask: mask, Xor: make([]byte, n)},
		&expr.Cmp{Op: op, Register: reg, Data: want},
	}
}

// state matches packets in one of the connection states.
func state(bits uint32) clause {
	return clause{
		&expr.Ct{Key: expr.CtKeySTATE, Register: reg},
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 4, Mask: binaryutil.NativeEndian.PutUint32(bits), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: reg, Data: make([]byte, 4)},
	}
}

func known() clause { return state(expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED) }

// transport compares bytes at an offset of the transport header.
func transport(offset uint32, op expr.CmpOp, data ...byte) clause {
	return clause{
		&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: uint32(len(data))},
		&expr.Cmp{Op: op, Register: reg, Data: data},
	}
}

// inSet matches what the clause before loaded into the first register.
func inSet(s *nftables.Set) clause {
	return clause{&expr.Lookup{SourceRegister: reg, SetName: s.Name, SetID: s.ID}}
}

const (
	tcpFlags         = 13 // offset in the TCP header
	synRst           = 0x06
	syn              = 0x02
	tcpOptMaxSegment = 2
)

// clampMSS lowers the segment size of a new TCP connection to what fits the
// routes of both directions. It never raises it.
func clampMSS() clause {
	return rule(protocol(unix.IPPROTO_TCP), clause{
		&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseTransportHeader, Offset: tcpFlags, Len: 1},
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 1, Mask: []byte{synRst}, Xor: []byte{0}},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: []byte{syn}},
		&expr.Rt{Register: reg, Key: expr.RtTCPMSS},
		&expr.Byteorder{SourceRegister: reg, DestRegister: reg, Op: expr.ByteorderHton, Len: 2, Size: 2},
		&expr.Exthdr{SourceRegister: reg, Type: tcpOptMaxSegment, Offset: 2, Len: 2, Op: expr.ExthdrOpTcpopt},
	})
}

func verdict(k expr.VerdictKind) clause { return clause{&expr.Verdict{Kind: k}} }
func drop() clause                      { return verdict(expr.VerdictDrop) }
func accept() clause                    { return verdict(expr.VerdictAccept) }
func jump(chain string) clause {
	return clause{&expr.Verdict{Kind: expr.VerdictJump, Chain: chain}}
}

func port(p uint16) []byte { return binary.BigEndian.AppendUint16(nil, p) }
