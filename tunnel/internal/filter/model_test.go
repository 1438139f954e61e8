package filter

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// The model says the same as the filter, slowly and in another way: by the text
// of addresses, lists of networks and one question after another. It shares
// nothing with the filter but the types that a caller fills in.

// network is one of the model's lists.
type networks string

func (n networks) have(a netip.Addr) bool {
	for _, s := range strings.Fields(string(n)) {
		if netip.MustParsePrefix(s).Contains(a) {
			return true
		}
	}
	return false
}

const (
	modelNever = networks(`0.0.0.0/8 127.0.0.0/8 169.254.0.0/16 224.0.0.0/4 240.0.0.0/4 100.100.100.200/32 168.63.129.16/32 192.0.0.192/32
		192.168.77.0/32 192.168.77.255/32
		::/128 ::1/128 fe80::/10 fec0::/10 ff00::/8 fd00:ec2::254/128 fd20:ce::254/128`)
	modelDisguised = networks(`::/64 64:ff9b::/32 2002::/16 2001::/32`)
	modelBox       = networks(`192.168.77.10/32 2001:db8:77::10/128`)
	modelTunnel    = networks(`10.66.0.0/24 fd66::/64`)
	modelOwn       = networks(`10.66.0.1/32 fd66::1/128`)
	modelPeers     = networks(`10.66.0.2/32 10.66.0.3/32 fd66::2/128 fd66::3/128`)
	modelHome      = networks(`10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 192.0.0.0/24 198.18.0.0/15 fc00::/7 2001:db8:77::/64`)
)

// looksLikeISATAP reads the text: an interface identifier of (02)00:5efe.
func looksLikeISATAP(a netip.Addr) bool {
	parts := strings.Split(a.StringExpanded(), ":")
	return len(parts) == 8 && parts[5] == "5efe" && strings.Contains("0000 0100 0200 0300", parts[4])
}

// ask is a first packet, in words.
type ask struct {
	from, to netip.Addr
	proto    string // tcp, udp, icmp, sctp
	port     int
}

func (q ask) String() string {
	return fmt.Sprintf("%s from %v to %v port %d", q.proto, q.from, q.to, q.port)
}

func modelService(s Service, q ask) bool {
	name := map[Protocol]string{TCP: "tcp", UDP: "udp", ICMP: "icmp"}[s.Protocol]
	if name != "" && name != q.proto {
		return false
	}
	if len(s.Ports) == 0 {
		return true
	}
	if q.proto != "tcp" && q.proto != "udp" {
		return false
	}
	for _, r := range s.Ports {
		for p := int(r.First); p <= int(r.Last); p++ {
			if p == q.port {
				return true
			}
		}
	}
	return false
}

func modelRules(a Access, q ask) bool {
	for _, r := range a.Allow {
		if r.To.First.Is4() == q.to.Is4() && !q.to.Less(r.To.First) && !r.To.Last.Less(q.to) && modelService(r.Service, q) {
			return true
		}
	}
	return false
}

func modelBoxService(a Access, q ask) bool {
	for _, s := range a.Box {
		if modelService(s, q) {
			return true
		}
	}
	return false
}

// modelAllows says whether a peer with this access may begin what q is.
func modelAllows(a Access, q ask) bool {
	if !modelPeers.have(q.from) || modelNever.have(q.to) || modelDisguised.have(q.to) || looksLikeISATAP(q.to) {
		return false
	}
	if modelOwn.have(q.to) {
		return q.proto == "icmp" || q.port == 53 && (q.proto == "udp" || q.proto == "tcp") || modelBoxService(a, q)
	}
	if modelTunnel.have(q.to) {
		sameDevice := q.from.As16()[15] == q.to.As16()[15]
		return a.Peers && modelPeers.have(q.to) && !sameDevice
	}
	if modelBox.have(q.to) {
		return modelBoxService(a, q)
	}
	if modelHome.have(q.to) {
		return a.Home || modelRules(a, q)
	}
	return a.Internet || modelRules(a, q)
}

// packet is q on the wire.
func (q ask) packet() []byte {
	from, to := at(q.from, 40000), at(q.to, uint16(q.port))
	switch q.proto {
	case "tcp":
		return tcp(from, to, tcpSYN)
	case "udp":
		return udp(from, to)
	case "icmp":
		return echo(q.from, q.to, false, 77)
	}
	return ip(q.from, q.to, 132, append(ports(40000, uint16(q.port)), make([]byte, 12)...))
}

// accesses are the kinds of access in the matrix.
func accesses() map[string]Access {
	f4, f6 := families[0], families[1]
	to := func(first, last netip.Addr, s Service) Rule { return Rule{Range{first, last}, s} }
	web := Service{TCP, []PortRange{{80, 80}, {443, 445}}}
	return map[string]Access{
		"nothing":       {},
		"everything":    Everything(),
		"home only":     HomeOnly(),
		"internet only": InternetOnly(),
		"all there is":  all(),
		"peers":         {Peers: true},
		"the box":       {Box: []Service{allProtocols}},
		"the box's web": {Box: []Service{web, {Protocol: ICMP}}},
		"a thing":       Chosen(to(f4.home, f4.home, web), to(f6.home, f6.home, web)),
		"a range":       Chosen(to(addr("192.168.77.5"), addr("192.168.77.30"), Service{UDP, nil}), to(addr("2001:db8:77::5"), addr("2001:db8:77::30"), Service{UDP, nil})),
		"a network": Chosen(Rule{RangeOf(prefix("192.168.77.0/24")), Service{AnyProtocol, []PortRange{{53, 100}}}},
			Rule{RangeOf(prefix("2001:db8:77::/64")), Service{AnyProtocol, []PortRange{{53, 100}}}}),
		"all addresses by ping": Chosen(Rule{RangeOf(prefix("0.0.0.0/0")), Service{ICMP, nil}}, Rule{RangeOf(prefix("::/0")), Service{ICMP, nil}}),
		"internet and a thing":  {Internet: true, Allow: []Rule{to(f4.home, f4.home, allProtocols), to(f6.home, f6.home, allProtocols)}},
		"a rule that names the box and a peer": Chosen(to(f4.box, f4.box, allProtocols), to(f6.box, f6.box, allProtocols),
			to(f4.bert, f4.bert, allProtocols), to(f6.bert, f6.bert, allProtocols), to(f4.own, f4.own, allProtocols), to(f6.own, f6.own, allProtocols)),
	}
}

func asks() []ask {
	var out []ask
	for i, f := range families {
		targets := append(specials(f), f.own, f.box, f.home, f.far, f.farther, f.anna, f.bert, f.stranger, f.nobody, f.home.Next(), f.own.Prev())
		more := []string{"10.1.2.3", "172.16.0.1", "172.32.0.1", "100.64.0.1", "100.128.0.1", "192.168.77.5", "192.168.77.30", "192.168.77.31", "192.169.0.1", "8.8.8.8", "223.255.255.255", "198.18.1.1", "126.255.255.255", "128.0.0.1", "169.253.1.1"}
		if i == 1 {
			more = []string{"fd77::1", "fc00::1", "fbff::1", "fe00::1", "fe7f::1", "2001:db8:77::5", "2001:db8:77::30", "2001:db8:77:1::5", "2001:db8:77:0:8000::", "2000::1", "2003::1", "2001:1::1", "64:ff9a::1", "65::1", "3fff::1", "2a00:1::5efe:7f00:1", "2a00:1::400:5efe:7f00:1", "2a00:1::5eff:7f00:1"}
			targets = append(targets, disguises()...)
		}
		for _, s := range more {
			targets = append(targets, addr(s))
		}
		for _, from := range []netip.Addr{f.anna, f.stranger, f.home, f.own} {
			for _, to := range targets {
				for _, proto := range []string{"tcp", "udp"} {
					for _, port := range []int{0, 53, 80, 100, 443, 446, 65535} {
						out = append(out, ask{from, to, proto, port})
					}
				}
				out = append(out, ask{from, to, "icmp", 0}, ask{from, to, "sctp", 80})
			}
		}
	}
	return out
}

// The generated matrix. Each refusal has its control: the same packet passes
// when its defence is off.
func TestTheFilterAgreesWithAnObviousModel(t *testing.T) {
	probes, refused := 0, 0
	byFamily := map[bool]int{}
	for name, a := range accesses() {
		w, open := newWorld(t, Limits{}, a, Access{}), newWorld(t, Limits{}, a, Access{})
		open.undefended()
		for _, q := range asks() {
			probes++
			want := modelAllows(a, q)
			got := w.up(q.packet())
			if got != want {
				t.Errorf("%s: %v: passed = %t, the model says %t", name, q, got, want)
			}
			if !want {
				refused++
				control := q
				control.from = families[0].anna
				if q.to.Is6() {
					control.from = families[1].anna
				}
				// A stranger's address is refused whatever is granted: the control
				// takes the peer's. Everything counts as internet, and is granted.
				if err := open.SetPeers(peersWith(InternetOnly(), Access{})); err != nil {
					t.Fatal(err)
				}
				if !open.up(control.packet()) {
					t.Errorf("%s: %v: the control does not pass: the probe proves nothing", name, control)
				}
			} else {
				byFamily[q.to.Is4()]++
			}
			// One probe must not help the next one.
			for _, w := range []*world{w, open} {
				for _, m := range w.ids() {
					m.table.keep(func(*key) bool { return false })
				}
				w.wire.written = w.wire.written[:0]
			}
		}
	}
	t.Logf("%d probes, %d refused; allowed by IPv4: %d, by IPv6: %d", probes, refused, byFamily[true], byFamily[false])
	if probes < 5000 || refused < 1000 || byFamily[true] < 500 || byFamily[false] < 500 {
		t.Error("the matrix is too small to prove anything")
	}
}

// What IPv4 may, IPv6 may, and the other way round.
func TestTheMatrixIsTheSameForBothFamilies(t *testing.T) {
	pick := func(f family) []netip.Addr {
		return []netip.Addr{f.own, f.box, f.home, f.far, f.farther, f.anna, f.bert, f.nobody, f.metadata, f.loopback, f.linkLocal, f.multicast, f.unspecified, f.boxNet}
	}
	for name, a := range accesses() {
		w := newWorld(t, Limits{}, a, Access{})
		for i, four := range pick(families[0]) {
			six := pick(families[1])[i]
			for _, proto := range []string{"tcp", "udp", "icmp", "sctp"} {
				for _, port := range []int{22, 53, 80, 443} {
					a, b := w.up(ask{families[0].anna, four, proto, port}.packet()), w.up(ask{families[1].anna, six, proto, port}.packet())
					if a != b {
						t.Errorf("%s: %s port %d: %v passed = %t, %v passed = %t", name, proto, port, four, a, six, b)
					}
				}
			}
		}
	}
}
