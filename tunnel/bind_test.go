package tunnel

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"

	"golang.zx2c4.com/wireguard/conn"
)

// flakyBind fails as often as told before it receives.
type flakyBind struct {
	conn.Bind
	failures int
	closed   chan struct{}
}

func (f *flakyBind) Open(uint16) ([]conn.ReceiveFunc, uint16, error) {
	f.closed = make(chan struct{})
	return []conn.ReceiveFunc{func([][]byte, []int, []conn.Endpoint) (int, error) {
		if f.failures == 0 {
			return 1, nil
		}
		f.failures--
		return 0, errors.New("network is down")
	}}, 1, nil
}

func (f *flakyBind) Close() error { return nil }

func TestReceivingGoesOnAfterErrorsOfTheSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newSteadyBind(&flakyBind{failures: 50}, quiet)
		receivers, _, err := b.Open(1)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := receivers[0](nil, nil, nil); n != 1 || err != nil {
			t.Errorf("received %d, %v", n, err)
		}
	})
}

func TestReceivingEndsWhenTheBindIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newSteadyBind(&flakyBind{failures: -1}, quiet)
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
