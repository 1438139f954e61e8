package kernel

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// masquerade is a rule that gives packets the box's own address, and a source
// port between from and to when they are not zero.
//
// It is the one kind of rule that google/nftables cannot write: up to v0.3.0
// its expr.Masq lacks the flag without which the kernel silently ignores the
// ports. (The rule looks right in "nft list"; only a packet tells.)
type masquerade struct {
	match    []expr.Any
	from, to uint16
}

const (
	firstHighPort = 32768 // where Linux begins to choose source ports
	lastPort      = 65535
	enoughPorts   = 4096 // a range that is worth having
)

// masquerades keeps TCP and UDP flows of peers off the ports on which services
// of the box wait, and off the WireGuard ports. Otherwise a peer could sit on
// such a port towards a client of the service and get its packets: "Attacking
// Connection Tracking Frameworks as used by Virtual Private Networks", 2024.
//
// Most devices choose ports from 32768 or from 49152 on. Ports on all sides of
// the WireGuard ports stay as they are.
func masquerades(listen ...uint16) []masquerade {
	ranges := sourceRanges(listen)
	var out []masquerade
	for _, proto := range []byte{unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
		for _, m := range ranges[:len(ranges)-1] {
			m.match = rule(protocol(proto), transport(0, expr.CmpOpGte, port(m.from)...))
			out = append(out, m)
		}
		last := ranges[len(ranges)-1] // for all that begin below the others
		last.match = protocol(proto)
		out = append(out, last)
	}
	return append(out, masquerade{}) // what has no ports
}

// sourceRanges are the ranges of source ports between the WireGuard ports that are
// worth having, the highest first.
func sourceRanges(listen []uint16) []masquerade {
	taken := slices.Sorted(slices.Values(listen))
	var out []masquerade
	end := lastPort
	for i := len(taken) - 1; i >= -1; i-- {
		from := firstHighPort
		if i >= 0 {
			from = max(firstHighPort, int(taken[i])+1)
		}
		if end-from+1 >= enoughPorts {
			out = append(out, masquerade{from: uint16(from), to: uint16(end)})
		}
		if i >= 0 {
			end = min(end, int(taken[i])-1)
		}
	}
	return out
}

// attributes marshals the rule's expressions.
func (m masquerade) attributes() ([]byte, error) {
	exprs := m.match
	var flags []netlink.Attribute
	if m.from != 0 {
		exprs = append(exprs[:len(exprs):len(exprs)],
			&expr.Immediate{Register: 1, Data: port(m.from)}, &expr.Immediate{Register: 2, Data: port(m.to)})
		flags = []netlink.Attribute{
			{Type: unix.NFTA_MASQ_FLAGS, Data: binaryutil.BigEndian.PutUint32(unix.NF_NAT_RANGE_PROTO_SPECIFIED)},
			{Type: unix.NFTA_MASQ_REG_PROTO_MIN, Data: binaryutil.BigEndian.PutUint32(1)},
			{Type: unix.NFTA_MASQ_REG_PROTO_MAX, Data: binaryutil.BigEndian.PutUint32(2)},
		}
	}
	var list []netlink.Attribute
	for _, e := range exprs {
		b, err := expr.Marshal(byte(nftables.TableFamilyINet), e)
		if err != nil {
			return nil, err
		}
		list = append(list, nested(unix.NFTA_LIST_ELEM, b))
	}
	data, err := netlink.MarshalAttributes(flags)
	if err != nil {
		return nil, err
	}
	masq, err := netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.NFTA_EXPR_NAME, Data: []byte("masq\x00")}, nested(unix.NFTA_EXPR_DATA, data),
	})
	if err != nil {
		return nil, err
	}
	return netlink.MarshalAttributes(append(list, nested(unix.NFTA_LIST_ELEM, masq)))
}

func nested(kind uint16, data []byte) netlink.Attribute {
	return netlink.Attribute{Type: unix.NLA_F_NESTED | kind, Data: data}
}

// setMasquerades makes the rules the only ones of a chain, in one transaction.
func setMasquerades(c *nftables.Chain, rules []masquerade) (err error) {
	whole, err := netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.NFTA_RULE_TABLE, Data: []byte(c.Table.Name + "\x00")},
		{Type: unix.NFTA_RULE_CHAIN, Data: []byte(c.Name + "\x00")},
	})
	if err != nil {
		return fmt.Errorf("encoding the masquerade rules: %w", err)
	}
	batch := []netlink.Message{batchMark(unix.NFNL_MSG_BATCH_BEGIN), {
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_DELRULE, Flags: netlink.Request | netlink.Acknowledge},
		Data:   append(generic(byte(c.Table.Family), 0), whole...),
	}}
	for _, m := range rules {
		exprs, err := m.attributes()
		if err != nil {
			return fmt.Errorf("encoding a masquerade rule: %w", err)
		}
		attrs, err := netlink.MarshalAttributes([]netlink.Attribute{
			{Type: unix.NFTA_RULE_TABLE, Data: []byte(c.Table.Name + "\x00")},
			{Type: unix.NFTA_RULE_CHAIN, Data: []byte(c.Name + "\x00")},
			nested(unix.NFTA_RULE_EXPRESSIONS, exprs),
		})
		if err != nil {
			return fmt.Errorf("encoding a masquerade rule: %w", err)
		}
		batch = append(batch, netlink.Message{
			Header: netlink.Header{
				Type:  unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWRULE,
				Flags: netlink.Request | netlink.Acknowledge | netlink.Create | netlink.Append,
			},
			Data: append(generic(byte(c.Table.Family), 0), attrs...),
		})
	}
	batch = append(batch, batchMark(unix.NFNL_MSG_BATCH_END))

	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return fmt.Errorf("opening nftables: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.SendMessages(batch); err != nil {
		return fmt.Errorf("sending the masquerade rules: %w", err)
	}
	for acknowledged := 0; acknowledged < 1+len(rules); {
		replies, err := conn.Receive()
		if err != nil {
			return fmt.Errorf("adding the masquerade rules: %w", err)
		}
		acknowledged += len(replies)
	}
	return nil
}

func batchMark(kind netlink.HeaderType) netlink.Message {
	return netlink.Message{Header: netlink.Header{Type: kind, Flags: netlink.Request}, Data: generic(unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)}
}

// generic is struct nfgenmsg, which every message of nfnetlink begins with.
func generic(family byte, resource uint16) []byte {
	return append([]byte{family, unix.NFNETLINK_V0}, port(resource)...)
}
