package selftest

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"
)

// An inner address goes from one phone to another. Packets from it are taken from its
// owner alone from then on; the outside of those that are refused still tells where a
// phone is.
func TestAnAddressIsTakenFromItsOwnerAlone(t *testing.T) {
	onBothPlanes(t, func(w *world) {
		t := w.T
		anna, bert := w.newPhone(2, box4), w.newPhone(3, box4)
		w.letIn(anna, bert)
		anna.reachesHome("at first")
		bert.reachesHome("at first")
		// Bert gets Anna's addresses; Anna's phone does not know.
		theirs := anna.peer.Addresses
		anna.peer.Addresses = []netip.Addr{netip.MustParseAddr("10.66.7.8")}
		bert.peer.Addresses = append(bert.peer.Addresses, theirs...)
		w.letIn(anna, bert)
		heard := w.ear()
		anna.set("listen_port", 9997)
		for i, to := range heard.at {
			anna.tell(to, fmt.Sprintf("anna %d", i))
		}
		w.eventually("the box knows where Anna is now", func() bool { return w.seen(anna).Endpoint.Port() == 9997 })
		if who := heard.anybody(time.Second); who != "" {
			t.Errorf("from an address that is another phone's, %q got through", who)
		}
		bert.reachesHome("with further addresses")
		// The control: what Anna says from there is heard when it is hers.
		bert.peer.Addresses, anna.peer.Addresses = bert.peer.Addresses[:2], theirs
		w.letIn(anna, bert)
		for range 40 {
			anna.tell(heard.at[0], "anna again")
			if who := heard.anybody(patience / 40); who != "" {
				anna.reachesHome("with its addresses back")
				return
			}
		}
		t.Error("with its addresses back, Anna is not heard: the test proves nothing")
	})
}

// ear hears datagrams on the LAN host.
type ear struct {
	at    []netip.AddrPort // one of each family
	heard chan string
}

func (w *world) ear() *ear {
	w.Helper()
	c := w.lan.listenPacket(w.T, "[::]:0")
	e := &ear{heard: make(chan string, 100)}
	for _, a := range lanAddrs() {
		e.at = append(e.at, netip.AddrPortFrom(a, c.LocalAddr().(*net.UDPAddr).AddrPort().Port()))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for b := make([]byte, 100); ; {
			n, _, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			select {
			case e.heard <- string(b[:n]):
			default:
			}
		}
	}()
	w.Cleanup(func() {
		c.Close()
		<-done
	})
	return e
}

// anybody is what was said within a time, or "".
func (e *ear) anybody(within time.Duration) string {
	select {
	case who := <-e.heard:
		return who
	case <-time.After(within):
		return ""
	}
}

// tell sends a datagram and waits for nothing.
func (p *phone) tell(to netip.AddrPort, text string) {
	p.w.Helper()
	c, err := p.net.DialUDPAddrPort(netip.AddrPort{}, to)
	if err != nil {
		p.w.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(text)); err != nil {
		p.w.Fatal(err)
	}
}
