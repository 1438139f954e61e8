//go:build linux

package planetest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// atOnce is how many probes are under way: fewer than a plane lets one peer have.
const atOnce = 30

// matrixProbe is a question as one packet of a peer.
type matrixProbe struct {
	question
	from   netip.Addr
	number uint16
}

func (p matrixProbe) String() string {
	return fmt.Sprintf("protocol %d from %v to %v port %d", p.proto, p.from, p.addr, p.port)
}

func (p matrixProbe) packet() []byte {
	from, to := netip.AddrPortFrom(p.from, p.number), netip.AddrPortFrom(p.addr, p.port)
	switch p.proto {
	case protoTCP:
		return synPacket(from, to, flagsSyn)
	case protoUDP:
		return udpPacket(from, to, "matrix")
	}
	return echoPacket(p.from, p.addr, p.number)
}

// matrix asks all questions of one family.
type matrix struct {
	*world
	f      family
	seen   *witness
	number uint16
	asked  int
}

func (m *matrix) next() uint16 {
	if m.number++; m.number < 20000 {
		m.number = 20000
	}
	return m.number
}

func (m *matrix) probe(from netip.Addr, q question) matrixProbe {
	return matrixProbe{q, from, m.next()}
}

// through says whether a probe came to its target and its answer back. Where
// nobody can see the one or the other, what can be seen counts.
func (m *matrix) through(p matrixProbe) bool {
	arrived := m.seen.hasArrived(arrival{p.proto, p.addr, p.port})
	answered := m.seen.wasAnswered(answer{arrival{p.proto, p.addr, p.port}, p.from, p.number})
	switch {
	case p.at == atPeer, p.at == broadcast:
		return arrived
	case p.at == inTunnel, p.at == inBox && p.proto != protoUDP:
		return answered
	}
	return arrived && answered
}

// leaked says whether anything of a probe was seen where it must not be.
func (m *matrix) leaked(p matrixProbe) bool {
	return m.seen.hasArrived(arrival{p.proto, p.addr, p.port}) || m.seen.wasAnswered(answer{arrival{p.proto, p.addr, p.port}, p.from, p.number})
}

// ask sends probes and waits for those that want says yes to.
func (m *matrix) ask(t *testing.T, why string, probes []matrixProbe, want func(matrixProbe) bool) {
	t.Helper()
	m.seen.forget()
	for some := range slices.Chunk(probes, atOnce) {
		missing := some
		for range patience / (500 * time.Millisecond) {
			m.write(missing)
			eventually(500*time.Millisecond, func() bool {
				missing = slices.DeleteFunc(slices.Clone(missing), func(p matrixProbe) bool { return !want(p) || m.through(p) })
				return len(missing) == 0
			})
			if len(missing) == 0 {
				break
			}
		}
		for _, p := range missing {
			t.Errorf("%s: %v does not get through", why, p)
		}
	}
	m.asked += len(probes)
}

// quiet waits until what was sent has been dealt with and says what leaked. A
// question of the other peer, which goes the same way, comes after it.
func (m *matrix) quiet(t *testing.T, why string, probes []matrixProbe, want func(matrixProbe) bool) {
	t.Helper()
	last := matrixProbe{question{target{m.f.lan, atHome, onLAN}, protoUDP, matrixPorts[0]}, m.f.peers[1], m.next()}
	m.write([]matrixProbe{last})
	back := answer{arrival{last.proto, last.addr, last.port}, last.from, last.number}
	if !eventually(patience, func() bool { return m.seen.wasAnswered(back) }) {
		t.Fatalf("%s: %v does not get through: the test proves nothing", why, last)
	}
	time.Sleep(impatience / 3)
	for _, p := range probes {
		// The last question arrives where another one may have asked.
		if !want(p) && m.leaked(p) && (p.arrivalOf() != last.arrivalOf() || m.seen.wasAnswered(answer{p.arrivalOf(), p.from, p.number})) {
			t.Errorf("%s: %v gets through", why, p)
		}
	}
}

func (p matrixProbe) arrivalOf() arrival { return arrival{p.proto, p.addr, p.port} }

// write hands packets to the plane, some at a time, as wireguard-go does.
func (m *matrix) write(probes []matrixProbe) {
	bufs := make([][]byte, len(probes))
	for i, p := range probes {
		bufs[i] = append(make([]byte, headroom, headroom+200), p.packet()...)
	}
	m.front.Write(bufs, headroom)
}

// cut ends what the probes have opened, so that one does not help the next.
func (m *matrix) cut(t *testing.T) {
	cutter(t, m.world).CutFlows([]netip.Addr{m.f.peers[0], m.f.peers[1]})
}

func accessMatrix(t *testing.T, w *world, f family) {
	defer grant(t, w.guard, w.plane, wide(), wide())
	m := &matrix{world: w, f: f, seen: newWitness()}
	w.listenOnAll(t, f, targets(f), m.seen)
	tap := func(packet []byte) {
		m.seen.back(packet)
		if destinationOf(packet) == f.peers[1] || destinationOf(packet) == f.peers[0] {
			m.seen.at(packet)
		}
	}
	w.tap.Store(&tap)
	defer w.tap.Store(nil)

	began := time.Now()
	controls, refused, passed := m.livesThere(t), 0, 0
	for _, g := range grantCases() {
		grant(t, w.guard, w.plane, g.access, allThereIs())
		var probes, control []matrixProbe
		for _, q := range questions(f) {
			if !answerable(g, q) {
				continue
			}
			p := m.probe(f.peers[0], q)
			probes = append(probes, p)
			if g.model(q) {
				passed++
				continue
			}
			refused++
			if q.kind == nowhere {
				continue // the box was the control
			}
			c := p
			if c.from = f.peers[1]; q.kind == aPeer {
				c.addr = f.peers[0]
			}
			if q.kind != ourOwn || q.proto == protoTCP {
				control = append(control, c)
			}
		}
		want := func(p matrixProbe) bool { return g.model(p.question) }
		m.ask(t, g.name, probes, want)
		m.quiet(t, g.name, probes, want)
		m.cut(t)
		m.ask(t, g.name+": the control, by the peer that may", control, func(matrixProbe) bool { return true })
		controls += len(control)
		m.cut(t)
	}
	stolen := m.fromElsewhere(t)
	t.Logf("%d probes in %v: %d passed, %d were refused, %d had a source that is no peer's; %d controls",
		passed+refused+stolen, time.Since(began).Round(time.Millisecond), passed, refused, stolen, controls)
	if passed+refused+stolen < 5000 || passed < 500 || refused < 2500 || controls < 1500 {
		t.Error("the matrix is too small to prove anything")
	}
}

// answerable leaves out what a peer may ask and nobody answers: the box's
// datagram services, which answer by the address that they were bound to.
func answerable(g grantCase, q question) bool {
	return q.kind != ourOwn || q.proto != protoUDP || q.port == dnsPort || len(g.access.Box) == 0
}

// livesThere is the control for what nobody may reach: the box does, so that
// somebody lives there.
func (m *matrix) livesThere(t *testing.T) (n int) {
	t.Helper()
	for _, x := range targets(m.f) {
		if x.kind != nowhere {
			continue
		}
		for _, port := range matrixPorts {
			to := netip.AddrPortFrom(x.addr, port)
			var err error
			switch {
			case x.at == inBox && port == dnsPort:
				continue
			case x.at == broadcast:
				var c net.Conn
				if c, err = m.box.dial(soon(t), "udp", to); err == nil {
					_, err = c.Write([]byte("x"))
					c.Close()
				}
				if err == nil && !eventually(patience, func() bool { return m.seen.hasArrived(arrival{protoUDP, x.addr, port}) }) {
					err = errSilence
				}
			default:
				err = m.box.talk(t, to)
			}
			if err != nil {
				t.Errorf("from the box to %v: %v: the test proves nothing", to, err)
			}
			n++
		}
	}
	return n
}

// talk connects to a port, and has a datagram answered.
func (h host) talk(t *testing.T, to netip.AddrPort) error {
	t.Helper()
	c, err := h.dial(soon(t), "tcp", to)
	if err != nil {
		return err
	}
	c.Close()
	if c, err = h.dial(context.Background(), "udp", to); err != nil {
		return err
	}
	defer c.Close()
	_, err = ask(c, []byte("who"), patience)
	return err
}

// fromElsewhere sends what no peer may send as its own.
func (m *matrix) fromElsewhere(t *testing.T) int {
	t.Helper()
	grant(t, m.guard, m.plane, allThereIs(), allThereIs())
	var probes []matrixProbe
	stranger := m.f.own.Addr().Next().Next().Next() // in the tunnel's network, and nobody's
	for _, from := range []netip.Addr{stranger, m.f.lan, m.f.box, m.f.own.Addr()} {
		for _, q := range questions(m.f) {
			if q.addr != from {
				probes = append(probes, m.probe(from, q))
			}
		}
	}
	never := func(matrixProbe) bool { return false }
	m.ask(t, "from elsewhere", probes, never)
	m.quiet(t, "from elsewhere", probes, never)
	return len(probes)
}
