package bind

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"

	"golang.zx2c4.com/wireguard/conn"
)

var quiet = slog.New(slog.DiscardHandler)

// flakyBind fails as often as told before it receives, and does not send from
// a source address.
type flakyBind struct {
	conn.Bind
	failures int
	closed   chan struct{}
	opened   []uint16
	sent     []string
}

func (f *flakyBind) Open(port uint16) ([]conn.ReceiveFunc, uint16, error) {
	f.opened = append(f.opened, port)
	f.closed = make(chan struct{})
	return []conn.ReceiveFunc{func([][]byte, []int, []conn.Endpoint) (int, error) {
		if f.failures == 0 {
			return 0, nil
		}
		f.failures--
		return 0, errors.New("network is down")
	}}, 1, nil
}

func (f *flakyBind) Close() error { return nil }

func TestReceivingGoesOnAfterErrorsOfTheSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := wrap(&flakyBind{failures: 50}, Config{Port: 51820, Logger: quiet})
		receivers, _, err := b.Open(1)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := receivers[0](nil, nil, nil); n != 0 || err != nil {
			t.Errorf("received %d, %v", n, err)
		}
	})
}

func TestReceivingEndsWhenTheBindIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := wrap(&flakyBind{failures: -1}, Config{Port: 51820, Logger: quiet})
		receivers, _, err := b.Open(1)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() {
			_, err := receivers[0](nil, nil, nil)
			done <- err
		}()
		synctest.Wait()
		b.Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("ended with %v", err)
		}
	})
}

func (f *flakyBind) ParseEndpoint(s string) (conn.Endpoint, error) {
	ap, err := netip.ParseAddrPort(s)
	return stubEndpoint{to: ap}, err
}

func (f *flakyBind) Send(_ [][]byte, ep conn.Endpoint) error {
	if ep.SrcIP().IsValid() {
		return errors.New("invalid argument")
	}
	f.sent = append(f.sent, ep.DstToString())
	return nil
}

// stubEndpoint has a source address or none.
type stubEndpoint struct {
	conn.Endpoint
	to  netip.AddrPort
	src netip.Addr
}

func (e stubEndpoint) SrcIP() netip.Addr   { return e.src }
func (e stubEndpoint) DstToString() string { return e.to.String() }

func TestSendingGoesOnAfterTheSourceAddressIsGone(t *testing.T) {
	inner := &flakyBind{}
	b := wrap(inner, Config{Port: 51820, Logger: quiet})
	to := netip.MustParseAddrPort("203.0.113.9:4000")
	for _, src := range []netip.Addr{{}, netip.MustParseAddr("192.168.7.10")} {
		if err := b.Send(nil, stubEndpoint{to: to, src: src}); err != nil {
			t.Errorf("from %v: %v", src, err)
		}
	}
	if len(inner.sent) != 2 || inner.sent[1] != to.String() {
		t.Errorf("sent to %q", inner.sent)
	}
}

func TestThePortStaysTheSameWhateverTheDeviceAsksFor(t *testing.T) {
	inner := &flakyBind{}
	b := wrap(inner, Config{Port: 51820, Logger: quiet})
	for _, port := range []uint16{51820, 0, 7} {
		if _, _, err := b.Open(port); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(inner.opened, []uint16{51820, 51820, 51820}) {
		t.Errorf("opened %v", inner.opened)
	}
}
