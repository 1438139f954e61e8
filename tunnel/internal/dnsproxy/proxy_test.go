package dnsproxy

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func message(t testing.TB, id uint16, response bool, name string) []byte {
	t.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: id, Response: response}, Questions: []dnsmessage.Question{
		{Name: dnsmessage.MustNewName(name), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fakeResolver answers each query with what reply makes of it, one by one.
func fakeResolver(t *testing.T, reply func(query []byte) [][]byte) netip.AddrPort {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { c.Close(); <-done })
	go func() {
		defer close(done)
		b := make([]byte, 2000)
		for {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			for _, r := range reply(slices.Clone(b[:n])) {
				c.WriteToUDPAddrPort(r, from)
			}
		}
	}()
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

func proxy(t *testing.T, resolvers ...netip.AddrPort) *Proxy {
	t.Helper()
	p, err := New(Config{Addresses: []netip.Addr{netip.MustParseAddr("10.6.0.1")}, Network: noNetwork{},
		Resolvers: func() []netip.AddrPort { return resolvers }, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type noNetwork struct{}

func (noNetwork) ListenPacket(netip.AddrPort) (net.PacketConn, error) { return nil, net.ErrClosed }
func (noNetwork) Listen(netip.AddrPort) (net.Listener, error)         { return nil, net.ErrClosed }

func TestForgedAnswersDoNotEndTheWaitForTheTrueOne(t *testing.T) {
	at := fakeResolver(t, func(q []byte) [][]byte {
		id := uint16(q[0])<<8 | uint16(q[1])
		return [][]byte{message(t, id+1, true, "nas.home."), message(t, id, true, "evil.home."), message(t, id, false, "nas.home."), message(t, id, true, "NAS.home.")}
	})
	answer, _ := proxy(t, at).ask(t.Context(), "udp", message(t, 7, false, "nas.home."))
	q, err := parse(answer)
	if err != nil || q.header.ID != 7 || q.question.Name.String() != "NAS.home." {
		t.Errorf("answer = %+v, %v", q, err)
	}
}

func TestTheResolverNeverSeesThePeersID(t *testing.T) {
	same := 0
	at := fakeResolver(t, func(q []byte) [][]byte {
		if q[0] == 0 && q[1] == 7 {
			same++
		}
		return [][]byte{message(t, uint16(q[0])<<8|uint16(q[1]), true, "nas.home.")}
	})
	p := proxy(t, at)
	for range 20 {
		p.ask(t.Context(), "udp", message(t, 7, false, "nas.home."))
	}
	if same > 2 {
		t.Errorf("%d of 20 queries had the peer's id", same)
	}
}

func TestTheNextResolverIsAskedAndThenFailureIsSaid(t *testing.T) {
	dead := netip.MustParseAddrPort("127.0.0.1:1") // refused at once
	good := fakeResolver(t, func(q []byte) [][]byte {
		return [][]byte{message(t, uint16(q[0])<<8|uint16(q[1]), true, "nas.home.")}
	})
	var tally Tally // of the latest query
	ask := func(resolvers ...netip.AddrPort) dnsmessage.RCode {
		p, peer := proxy(t, resolvers...), netip.MustParseAddr("10.6.0.2")
		answer := p.answer(t.Context(), "udp", peer, message(t, 7, false, "nas.home."))
		tally = p.Tally(peer)
		q, err := parse(answer)
		if err != nil || q.header.ID != 7 {
			t.Errorf("answer: %+v, %v", q, err)
		}
		return q.header.RCode
	}
	unwilling := fakeResolver(t, func(q []byte) [][]byte {
		m := message(t, uint16(q[0])<<8|uint16(q[1]), true, "nas.home.")
		m[3] = m[3]&0xf0 | byte(dnsmessage.RCodeRefused)
		return [][]byte{m}
	})
	if got := ask(unwilling, good); got != dnsmessage.RCodeSuccess {
		t.Errorf("with a good one behind an unwilling one: %v", got)
	}
	if want := (Tally{Asked: 1, Answered: 1}); tally != want {
		t.Errorf("counted %+v, want %+v", tally, want)
	}
	if got := ask(unwilling, dead); got != dnsmessage.RCodeRefused {
		t.Errorf("with an unwilling one alone: %v", got)
	}
	if want := (Tally{Asked: 1, Refused: 1}); tally != want {
		t.Errorf("counted %+v, want %+v", tally, want)
	}
	if got := ask(dead, good); got != dnsmessage.RCodeSuccess {
		t.Errorf("with a good one behind: %v", got)
	}
	if got := ask(dead); got != dnsmessage.RCodeServerFailure {
		t.Errorf("without: %v", got)
	}
	if want := (Tally{Asked: 1, Failed: 1}); tally != want {
		t.Errorf("counted %+v, want %+v", tally, want)
	}
	if got := ask(netip.MustParseAddrPort("10.6.0.1:53")); got != dnsmessage.RCodeServerFailure {
		t.Errorf("our own address as the resolver: %v, want that it is not asked", got)
	}
}

func TestWhatIsNoQueryGetsNoAnswer(t *testing.T) {
	p := proxy(t)
	for _, b := range [][]byte{nil, []byte("junk"), message(t, 1, true, "nas.home.")} {
		if a, _ := p.ask(t.Context(), "udp", b); a != nil {
			t.Errorf("answered %q", b)
		}
	}
}

func TestQuotaHoldsForEachPeerAndInAll(t *testing.T) {
	a, b := netip.MustParseAddr("10.6.0.2"), netip.MustParseAddr("10.6.0.3")
	q := newQuota(3, 2)
	for i, step := range []struct {
		peer netip.Addr
		want bool
	}{{a, true}, {a, true}, {a, false}, {b, true}, {b, false}} {
		if got := q.take(step.peer); got != step.want {
			t.Errorf("take %d by %v = %v, want %v", i, step.peer, got, step.want)
		}
	}
	q.give(a)
	if !q.take(b) {
		t.Error("what was given back cannot be taken")
	}
}

func TestResolvConfIsReadAgainWhenItChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(file, []byte("# c\nsearch lan\nnameserver 192.168.1.1\nnameserver fd00::1\nnameserver junk\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []netip.AddrPort{netip.MustParseAddrPort("192.168.1.1:53"), netip.MustParseAddrPort("[fd00::1]:53")}
	r := newResolvConf(file)
	if got := r.resolvers(); !slices.Equal(got, want) {
		t.Errorf("resolvers = %v, want %v", got, want)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	r.looked = r.looked.Add(-2e9)
	if got := r.resolvers(); !slices.Equal(got, want) {
		t.Errorf("while the file is away: %v, want what was known", got)
	}
}

func FuzzAnswers(f *testing.F) {
	q, _ := parseQuery(message(f, 7, false, "nas.home."))
	f.Add(message(f, 7, true, "nas.home."))
	f.Add([]byte{0, 7, 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		if q.answeredBy(b, 7) && (len(b) < 12 || b[0] != 0 || b[1] != 7 || b[2]&0x80 == 0) {
			t.Errorf("believed %x", b)
		}
		parseQuery(b)
	})
}

// loopbackNetwork opens every port as a free one of loopback.
type loopbackNetwork struct{}

func (loopbackNetwork) ListenPacket(netip.AddrPort) (net.PacketConn, error) {
	return net.ListenPacket("udp", "127.0.0.1:0")
}
func (loopbackNetwork) Listen(netip.AddrPort) (net.Listener, error) {
	return net.Listen("tcp", "127.0.0.1:0")
}

// Once in a hundred times, on a busy machine, homeward did not stop.
func TestRunAlwaysEndsWithItsContext(t *testing.T) {
	for range 500 {
		p := proxy(t)
		p.cfg.Network = loopbackNetwork{}
		if err := p.Listen(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); p.Run(ctx) }()
		cancel()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatal("it does not end")
		}
	}
}
