package bind

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	wgdevice "golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

func publicKey(t *testing.T) wgtypes.Key {
	t.Helper()
	k, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k.PublicKey()
}

// datagram is a message of some kind and size, with our key's seal if it has one.
func datagram(kind uint32, size int, number uint32, to wgtypes.Key) []byte {
	b := make([]byte, size)
	binary.LittleEndian.PutUint32(b, kind)
	binary.LittleEndian.PutUint32(b[4:], number)
	if kind == wgdevice.MessageInitiationType || kind == wgdevice.MessageResponseType {
		var g wgdevice.CookieGenerator
		g.Init(wgdevice.NoisePublicKey(to))
		g.AddMacs(b)
	}
	return b
}

func from(addr string) conn.Endpoint { return stubEndpoint{to: netip.MustParseAddrPort(addr)} }

func TestDatagramsAreToldApartByTheirOutside(t *testing.T) {
	own, other := publicKey(t), publicKey(t)
	e := newEvidence(own)
	e.sending([][]byte{datagram(wgdevice.MessageResponseType, wgdevice.MessageResponseSize, 77, other)}, from("203.0.113.8:1"))
	for name, c := range map[string]struct {
		b    []byte
		want Class
	}{
		"three bytes":            {[]byte("abc"), TooShort},
		"text":                   {[]byte("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"), Junk},
		"an initiation":          {datagram(1, wgdevice.MessageInitiationSize, 1, own), Initiation},
		"of a wrong length":      {datagram(1, wgdevice.MessageInitiationSize+1, 1, own), Junk},
		"for another server":     {datagram(1, wgdevice.MessageInitiationSize, 1, other), WrongKey},
		"a response":             {datagram(2, wgdevice.MessageResponseSize, 1, own), Response},
		"a cookie":               {datagram(3, wgdevice.MessageCookieReplySize, 1, own), Cookie},
		"data":                   {datagram(4, 100, 77, own), Data},
		"data of nobody's":       {datagram(4, 100, 78, own), StrayData},
		"with reserved bytes":    {datagram(0x01000004, 100, 77, own), Junk},
		"an initiation's header": {datagram(1, 32, 1, wgtypes.Key{}), Junk},
	} {
		t.Run(name, func(t *testing.T) {
			before := e.snapshot().Classes[c.want].Count
			e.received([][]byte{c.b}, []int{len(c.b)}, []conn.Endpoint{from("203.0.113.9:4000")})
			got := e.snapshot().Classes[c.want]
			if got.Count != before+1 || got.From.String() != "203.0.113.9:4000" || got.Last.IsZero() {
				t.Errorf("%v: %+v", c.want, got)
			}
		})
	}
}

func TestEverySourceHasItsOwnTally(t *testing.T) {
	own := publicKey(t)
	e := newEvidence(own)
	a, b := from("203.0.113.9:4000"), from("[2001:db8::9]:5000")
	data, junk := datagram(4, 64, 5, own), datagram(9, 64, 0, own)
	e.sending([][]byte{datagram(1, wgdevice.MessageInitiationSize, 5, own)}, b)
	e.received([][]byte{data, data, nil, junk, data, data}, []int{64, 64, 0, 64, 64, 64}, []conn.Endpoint{a, a, a, a, a, b})
	s := e.snapshot()
	if len(s.Sources) != 2 || s.Classes[Data].Count != 4 || s.Classes[Junk].Count != 1 {
		t.Fatalf("%+v", s)
	}
	for _, src := range s.Sources {
		want := map[string]uint64{"203.0.113.9": 3, "2001:db8::9": 1}[src.Addr.String()]
		if src.Classes[Data].Count != want {
			t.Errorf("%v has %d, not %d", src.Addr, src.Classes[Data].Count, want)
		}
	}
}

func TestNoiseIsForgottenAndDoesNotBuryADevice(t *testing.T) {
	own := publicKey(t)
	e := newEvidence(own)
	hello := datagram(1, wgdevice.MessageInitiationSize, 1, own)
	e.received([][]byte{hello}, []int{len(hello)}, []conn.Endpoint{from("203.0.113.9:4000")})
	for i := range 10000 {
		a := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}), 9)
		e.received([][]byte{[]byte("noise, noise, noise, noise, noise")}, []int{33}, []conn.Endpoint{stubEndpoint{to: a}})
		e.sending([][]byte{datagram(2, wgdevice.MessageResponseSize, uint32(i), own)}, from("203.0.113.9:4000"))
	}
	s := e.snapshot()
	if len(s.Sources) > maxSources || len(e.sessions) > maxSessions || s.Classes[Junk].Count != 10000 || s.Forgot == 0 {
		t.Errorf("%d sources, %d sessions, %d forgotten", len(s.Sources), len(e.sessions), s.Forgot)
	}
	for _, src := range s.Sources {
		if src.Addr.String() == "203.0.113.9" {
			return
		}
	}
	t.Error("the device is forgotten")
}

func TestSessionsOfOldAreForgotten(t *testing.T) {
	e := newEvidence(publicKey(t))
	now := time.Now()
	e.now = func() time.Time { return now }
	begin := func(n uint32) {
		e.sending([][]byte{datagram(2, wgdevice.MessageResponseSize, n, wgtypes.Key{})}, from("203.0.113.9:4000"))
	}
	for n := range uint32(maxSessions) {
		begin(n)
	}
	now = now.Add(sessionLife + 1)
	begin(maxSessions)
	if _, new := e.sessions[maxSessions]; len(e.sessions) != 1 || !new {
		t.Errorf("%d sessions", len(e.sessions))
	}
}

// deafBind opens, and receives as often as told.
type deafBind struct {
	flakyBind
	heard chan []byte
}

func (d *deafBind) Open(uint16) ([]conn.ReceiveFunc, uint16, error) {
	return []conn.ReceiveFunc{func(p [][]byte, sizes []int, eps []conn.Endpoint) (int, error) {
		b, open := <-d.heard
		if !open {
			return 0, net.ErrClosed
		}
		sizes[0], eps[0] = copy(p[0], b), from("127.0.0.1:9")
		return 1, nil
	}}, 1, nil
}

func TestADeafSocketIsOpenedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &deafBind{heard: make(chan []byte, 9)}
		b := wrap(d, Config{Port: 51820, Logger: quiet})
		receivers, _, err := b.Open(1)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			p, sizes, eps := [][]byte{make([]byte, 100)}, []int{0}, make([]conn.Endpoint, 1)
			for {
				if _, err := receivers[0](p, sizes, eps); err != nil {
					return
				}
				if sizes[0] != 0 && string(p[0][:sizes[0]]) != "of others" {
					t.Errorf("the device gets %d bytes of ours", sizes[0])
				}
			}
		}()
		var hears atomic.Bool
		hears.Store(true)
		b.probe.send = func(uint16) bool {
			if hears.Load() {
				d.heard <- b.probe.token[:]
			}
			return true
		}
		var reopened atomic.Int32
		go b.Watch(t.Context(), func() error { hears.Store(reopened.Add(1) == 2); return nil })
		after := func(d time.Duration, want int32, problem bool) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if n := reopened.Load(); n != want || (b.Problem() != "") != problem {
				t.Errorf("opened anew %d times, not %d; problem %q", n, want, b.Problem())
			}
		}
		after(3*aliveEvery+time.Second, 0, false)
		hears.Store(false)
		after(aliveEvery+2*patience, 1, true)
		after(aliveEvery+2*patience, 2, false)
		hears.Store(false) // its own, as behind a firewall for loopback
		for range 5 {
			d.heard <- []byte("of others")
			after(aliveEvery, 2, false)
		}
		after(aliveEvery+2*patience, 3, true) // and they are silent, too
		close(d.heard)
	})
}
