package kernel

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"homeward/tunnel/internal/plane"
)

// ruleset is the table that we want, before it is written.
type ruleset struct {
	table  *nftables.Table
	sets   []set
	chains []chain
	ports  map[bool]*nftables.Set // what Listen opened; true is IPv4
	users  map[bool]*nftables.Set // who may reach the box itself; empty without a filter in front
}

type set struct {
	*nftables.Set
	elements []nftables.SetElement
}

type chain struct {
	*nftables.Chain
	rules [][]expr.Any
	masq  []masquerade // come after the rules; see masquerade
}

// tableName is that of our table. It names the interface, so that several
// homewards live side by side.
func tableName(iface string) string {
	if strings.HasPrefix(iface, "homeward") {
		return iface
	}
	return "homeward-" + iface
}

// newRuleset writes down the rules. Every base chain has one rule that leads
// packets of ours away from it; other packets cost a comparison.
func newRuleset(cfg plane.Config) *ruleset {
	r := &ruleset{
		table: &nftables.Table{Family: nftables.TableFamilyINet, Name: tableName(cfg.Name)},
		ports: map[bool]*nftables.Set{},
		users: map[bool]*nftables.Set{},
	}
	for _, own := range cfg.Addresses {
		r.ports[own.Addr().Is4()] = r.addPorts(own.Addr())
		if cfg.Guarded {
			r.users[own.Addr().Is4()] = r.addUsers(own.Addr())
		}
	}

	before := r.base("prerouting", nftables.ChainTypeFilter, nftables.ChainHookPrerouting, nftables.ChainPriorityRaw)
	before.add(arrivesBy(cfg.Name), jump("peer_packets"))
	for _, own := range cfg.Addresses {
		// Linux takes packets for any of its addresses on every interface.
		before.add(arrivesNotBy(cfg.Name), arrivesNotBy("lo"), is(destination, own.Addr()), drop())
	}
	r.base("forward", nftables.ChainTypeFilter, nftables.ChainHookForward, nftables.ChainPriorityFilter).
		add(arrivesBy(cfg.Name), jump("from_peers")).
		add(leavesBy(cfg.Name), jump("to_peers"))
	r.base("input", nftables.ChainTypeFilter, nftables.ChainHookInput, nftables.ChainPriorityFilter).
		add(arrivesBy(cfg.Name), jump("peers_to_box"))
	after := r.base("postrouting", nftables.ChainTypeNAT, nftables.ChainHookPostrouting, nftables.ChainPriorityNATSource)
	for _, own := range cfg.Addresses {
		after.add(leavesNotBy(cfg.Name), leavesNotBy("lo"), within(source, own.Masked()), jump(masqueradeChain))
	}

	r.peerPackets(cfg.Addresses, cfg.Guarded)
	peerToPeer := drop()
	if cfg.Guarded {
		peerToPeer = accept()
	}
	r.chain("from_peers").
		add(state(expr.CtStateBitINVALID), drop()). // would leave without being masqueraded
		add(leavesBy(cfg.Name), peerToPeer).
		add(clampMSS())
	r.chain("to_peers").
		add(clampMSS()).
		add(known(), accept()).
		add(drop())
	r.peersToBox(cfg.Addresses)
	r.chain(masqueradeChain).masq = masquerades(cfg.ListenPort)
	return r
}

const masqueradeChain = "masquerade"

// keepPorts changes which ports peers' flows never leave by, in the table that is
// written.
func (r *ruleset) keepPorts(listen []uint16) error {
	i := slices.IndexFunc(r.chains, func(c chain) bool { return c.Name == masqueradeChain })
	rules := masquerades(listen...)
	if err := setMasquerades(r.chains[i].Chain, rules); err != nil {
		return err
	}
	r.chains[i].masq = rules
	return nil
}

// peerPackets drops what no peer has a reason to send, before anything is
// remembered about it.
func (r *ruleset) peerPackets(addresses []netip.Prefix, guarded bool) {
	c := r.chain("peer_packets")
	for _, h := range []header{ip4, ip6} {
		var ours bool
		for _, own := range addresses {
			if headerOf(own.Addr()) != h {
				continue
			}
			ours = true
			c.add(outside(source, own.Masked()), drop())
			c.add(is(source, own.Addr()), drop())
			if guarded {
				continue // which peers may reach each other was decided in front
			}
			c.add(within(destination, own.Masked()), bitsAt(h.offset[destination], single(own.Addr()), expr.CmpOpNeq), drop())
		}
		if !ours {
			c.add(h.family(), drop())
		}
	}
	four, six, hidden := r.addNever("never4", nftables.TypeIPAddr, never4()),
		r.addNever("never6", nftables.TypeIP6Addr, never6()),
		r.addNever("hidden4", nftables.TypeIPAddr, hidden4())
	c.add(ip4.family(), ip4.load(destination, reg), inSet(four), drop())
	c.add(ip6.family(), ip6.load(destination, reg), inSet(six), drop())
	for _, d := range disguises() {
		c.add(d.hides(hidden), drop())
	}
}

const (
	echoRequest4 = 8
	echoRequest6 = 128
)

// peersToBox is what peers may send to the box itself.
func (r *ruleset) peersToBox(addresses []netip.Prefix) {
	c := r.chain("peers_to_box").add(known(), accept())
	for _, own := range addresses {
		h, icmp, echo := ip4, byte(unix.IPPROTO_ICMP), byte(echoRequest4)
		if own.Addr().Is6() {
			h, icmp, echo = ip6, unix.IPPROTO_ICMPV6, echoRequest6
		}
		c.add(is(destination, own.Addr()), protocol(icmp), transport(0, expr.CmpOpEq, echo), accept())
		// The fields of the set's key follow each other in 4-byte registers.
		next := unix.NFT_REG32_00 + h.length/4
		c.add(h.family(), h.load(destination, reg), clause{
			&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: next},
			&expr.Payload{DestRegister: next + 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		}, inSet(r.ports[own.Addr().Is4()]), accept())
		if users := r.users[own.Addr().Is4()]; users != nil {
			c.add(h.family(), h.load(source, reg), inSet(users), accept())
		}
	}
	c.add(drop())
}

func (r *ruleset) base(name string, kind nftables.ChainType, hook *nftables.ChainHook, priority *nftables.ChainPriority) *chain {
	policy := nftables.ChainPolicyAccept
	c := r.chain(name)
	c.Type, c.Hooknum, c.Priority, c.Policy = kind, hook, priority, &policy
	return c
}

func (r *ruleset) chain(name string) *chain {
	r.chains = append(r.chains, chain{Chain: &nftables.Chain{Table: r.table, Name: name}})
	return &r.chains[len(r.chains)-1]
}

func (c *chain) add(clauses ...clause) *chain {
	c.rules = append(c.rules, rule(clauses...))
	return c
}

func (r *ruleset) addNever(name string, of nftables.SetDatatype, ps []netip.Prefix) *nftables.Set {
	s := &nftables.Set{Table: r.table, Name: name, KeyType: of, Interval: true}
	r.sets = append(r.sets, set{s, intervals(ps)})
	return s
}

// addPorts makes the set of what Listen opens: address, protocol and port.
func (r *ruleset) addPorts(own netip.Addr) *nftables.Set {
	name, of := "ports4", nftables.TypeIPAddr
	if own.Is6() {
		name, of = "ports6", nftables.TypeIP6Addr
	}
	s := &nftables.Set{
		Table: r.table, Name: name, Concatenation: true,
		KeyType: nftables.MustConcatSetType(of, nftables.TypeInetProto, nftables.TypeInetService),
	}
	r.sets = append(r.sets, set{s, nil})
	return s
}

// addUsers makes the set of peers that OpenBox opened the box to.
func (r *ruleset) addUsers(own netip.Addr) *nftables.Set {
	s := &nftables.Set{Table: r.table, Name: "box_users4", KeyType: nftables.TypeIPAddr}
	if own.Is6() {
		s.Name, s.KeyType = "box_users6", nftables.TypeIP6Addr
	}
	r.sets = append(r.sets, set{s, nil})
	return s
}

// portKey is an element of a set of addPorts.
func portKey(proto byte, at netip.AddrPort) []nftables.SetElement {
	key := append(at.Addr().AsSlice(), proto, 0, 0, 0)
	key = append(key, port(at.Port())...)
	return []nftables.SetElement{{Key: append(key, 0, 0)}}
}
