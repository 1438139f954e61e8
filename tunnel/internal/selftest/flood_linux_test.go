package selftest

import (
	"crypto/rand"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	wgdevice "golang.zx2c4.com/wireguard/device"

	"homeward/tunnel"
)

// Somebody who knows the box's public key begins handshakes without end. The box asks
// everybody to prove their address then, and a phone that does so comes in.
func TestAFloodOfHandshakesKeepsNoPhoneOut(t *testing.T) {
	onBothPlanes(t, func(w *world) {
		t := w.T
		in := w.newPhone(2, box4)
		w.letIn(in)
		in.reachesHome("before the flood")
		stop := w.flood()
		time.Sleep(floodPause) // one burst
		p := w.newPhone(3, box4)
		w.letIn(in, p)
		w.eventually("the box asks for a proof of an address", func() bool {
			_ = p.ping(netip.MustParseAddr(own4), time.Second)
			return p.wire.counts().received[cookie] > 0
		})
		p.reachesHome("under the flood")
		in.reachesHome("under the flood, who was in before")
		sent, answers := stop()
		t.Logf("%d handshakes were begun, %d bytes of answers", sent, answers)
		if answers > sent*wgdevice.MessageInitiationSize {
			t.Errorf("the box answers with more than it is sent: %d bytes for %d messages", answers, sent)
		}
		in.reachesHome("after the flood")
	})
}

// A flood comes in bursts. Each is more than may wait until the device is under load,
// which it then is for a second (an eighth of its 1024). Without a pause its queue is
// full at each moment on a machine where -race makes it slow: then nearly all that a
// phone sends is dropped, too, unread, and it takes luck to come in.
const (
	floodBurst = 1000
	floodPause = 40 * time.Millisecond
)

// flood begins handshakes that nobody can complete, until stop is called, which says how
// many there were and how many bytes came back.
func (w *world) flood() (stop func() (sent, answers int)) {
	w.Helper()
	c := w.outside.listenPacket(w.T, outside4+":0")
	to := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(box4 + ":51820"))
	var macs wgdevice.CookieGenerator
	macs.Init(wgdevice.NoisePublicKey(w.cfg.PrivateKey.Public()))
	over := make(chan struct{})
	var both sync.WaitGroup
	sent, answers := 0, 0
	both.Go(func() {
		message := make([]byte, wgdevice.MessageInitiationSize)
		rand.Read(message)
		message[0], message[1], message[2], message[3] = initiation, 0, 0, 0
		pause := time.NewTicker(floodPause)
		defer pause.Stop()
		for ; ; sent++ {
			if sent%floodBurst == 0 {
				select {
				case <-over:
					return
				case <-pause.C:
				}
			}
			message[8+sent%32]++ // another key each time
			macs.AddMacs(message)
			if _, err := c.WriteTo(message, to); err != nil && sent == 0 {
				w.Errorf("the flood: %v", err)
				return
			}
		}
	})
	both.Go(func() {
		for b := make([]byte, 2000); ; {
			n, _, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			answers += n
		}
	})
	var once sync.Once
	end := func() {
		once.Do(func() {
			close(over)
			time.Sleep(100 * time.Millisecond)
			c.Close()
			both.Wait()
		})
	}
	w.Cleanup(end)
	return func() (int, int) { end(); return sent, answers }
}

// Peers come and go while they talk. Nothing of those that went stays, and who stays is
// not disturbed.
func TestPeersThatGoWhileTheyTalkAreGone(t *testing.T) {
	onBothPlanes(t, func(w *world) {
		t := w.T
		stays, goes := w.newPhone(2, box4), w.newPhone(3, box4)
		w.letIn(stays, goes)
		stays.reachesHome("at first")
		goes.reachesHome("at first")
		shook := w.seen(stays).LastHandshake
		var talking sync.WaitGroup
		over := make(chan struct{})
		to := netip.AddrPortFrom(netip.MustParseAddr(lan4), echoPort)
		talking.Go(func() { goes.talks(to, over) })
		talking.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if err := stays.stream(to, 100_000); err != nil {
					t.Errorf("who stays is disturbed: %v", err)
					return
				}
			}
		})
		for i := range 50 {
			key := w.newKey()
			passing := tunnel.Peer{PublicKey: key.Public(), Addresses: []netip.Addr{netip.MustParseAddr("10.66.7.99")}}
			list := []tunnel.Peer{stays.peer, passing}
			if i%2 == 0 {
				list = append(list, goes.peer)
			}
			if err := w.tunnel.SetPeers(list); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
		}
		w.letIn(stays)
		close(over)
		talking.Wait()
		if peers, counted := w.tunnel.Peers(), w.tunnel.Counters().Peers; len(peers) != 1 || len(counted) != 1 {
			t.Errorf("there are %d peers, and the filter has %d", len(peers), len(counted))
		}
		if now := w.seen(stays).LastHandshake; time.Since(shook) < wgdevice.RekeyAfterTime && !now.Equal(shook) {
			t.Errorf("who stays had to shake hands again: %v, then %v", shook, now)
		}
		goes.staysOut(netip.MustParseAddr(lan4), "after it was removed")
		w.letIn(stays, goes)
		goes.reachesHome("when it is a peer again")
	})
}

// talks sends datagrams until over is closed, whatever becomes of them.
func (p *phone) talks(to netip.AddrPort, over <-chan struct{}) {
	c, err := p.net.DialUDPAddrPort(netip.AddrPort{}, to)
	if err != nil {
		p.w.Errorf("talking: %v", err)
		return
	}
	defer c.Close()
	for {
		select {
		case <-over:
			return
		default:
			_, _ = c.Write(make([]byte, 1000))
			time.Sleep(200 * time.Microsecond)
		}
	}
}
