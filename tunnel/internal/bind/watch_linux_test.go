package bind

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.zx2c4.com/wireguard/conn"
)

// portsBind is a deafBind with a further port.
type portsBind struct {
	flakyBind
	heard map[uint16]chan []byte
}

const firstAt, furtherAt = 51820, 57618

func (*portsBind) listenFurther([]uint16) bool { return false }
func (*portsBind) notOpen() error              { return nil }
func (*portsBind) furtherOpen() []uint16       { return []uint16{furtherAt} }

func (p *portsBind) Open(uint16) (list []conn.ReceiveFunc, _ uint16, _ error) {
	for via, port := range map[uint16]uint16{0: firstAt, furtherAt: furtherAt} {
		list = append(list, func(packets [][]byte, sizes []int, eps []conn.Endpoint) (int, error) {
			sizes[0], eps[0] = copy(packets[0], <-p.heard[port]), newEndpoint(phoneAt, phoneAt.Addr(), 0, via)
			return 1, nil
		})
	}
	return list, firstAt, nil
}

var phoneAt = addrPort(from("127.0.0.1:9"))

// A further port that is deaf is found out although the first one hears, and the other
// way round; each is named.
func TestEachPortIsProvenToReceive(t *testing.T) {
	for _, deaf := range []uint16{firstAt, furtherAt} {
		synctest.Test(t, func(t *testing.T) {
			p := &portsBind{heard: map[uint16]chan []byte{firstAt: make(chan []byte, 9), furtherAt: make(chan []byte, 9)}}
			b := wrap(p, Config{Port: firstAt, Logger: quiet})
			receivers, _, err := b.Open(0)
			if err != nil {
				t.Fatal(err)
			}
			stop := make(chan struct{})
			for _, receive := range receivers {
				go func() {
					packets, sizes, eps := [][]byte{make([]byte, 100)}, []int{0}, make([]conn.Endpoint, 1)
					for {
						_, _ = receive(packets, sizes, eps)
						select {
						case <-stop:
							return
						default:
						}
					}
				}()
			}
			var broken atomic.Bool
			b.probe.send = func(port uint16) bool {
				if port != deaf || !broken.Load() {
					p.heard[port] <- b.probe.token[:]
				}
				return true
			}
			opened := 0
			go b.Watch(t.Context(), func() error { opened++; return nil })
			time.Sleep(2*aliveEvery + time.Second)
			synctest.Wait()
			if opened != 0 || b.Problem() != "" {
				t.Errorf("all ports hear: opened anew %d times, %q", opened, b.Problem())
			}
			broken.Store(true)
			time.Sleep(aliveEvery + 2*patience)
			synctest.Wait()
			other := firstAt + furtherAt - int(deaf)
			if opened != 1 || !strings.Contains(b.Problem(), fmt.Sprint(deaf)) || strings.Contains(b.Problem(), fmt.Sprint(other)) {
				t.Errorf("%d is deaf, %d is not: opened anew %d times, %q", deaf, other, opened, b.Problem())
			}
			broken.Store(false)
			time.Sleep(aliveEvery + 2*patience)
			synctest.Wait()
			if b.Problem() != "" {
				t.Errorf("it hears again: %q", b.Problem())
			}
			close(stop)
			for _, c := range p.heard {
				close(c)
			}
		})
	}
}

// The datagram to a further port is counted there, and only once its receiver runs.
func TestAFurtherPortIsProvenByItsOwnSocket(t *testing.T) {
	further := freePort(t)
	b := New(Config{Port: freePort(t), Logger: quiet})
	if _, err := b.ListenFurther([]uint16{further}); err != nil {
		t.Fatal(err)
	}
	receivers, _, err := b.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	read := func(receive conn.ReceiveFunc) {
		packets, sizes, eps := [][]byte{make([]byte, 65535)}, []int{0}, make([]conn.Endpoint, 1)
		for {
			if _, err := receive(packets, sizes, eps); err != nil {
				return
			}
		}
	}
	for _, r := range receivers[:len(receivers)/2] { // those of the first port come first
		go read(r)
	}
	if !b.alive(t.Context(), b.cfg.Port) || b.alive(t.Context(), further) {
		t.Error("the first port's receivers run, and the further one's do not: that is not seen")
	}
	for _, r := range receivers[len(receivers)/2:] {
		go read(r)
	}
	if !b.alive(t.Context(), further) {
		t.Error("the further port hears, and that is not seen")
	}
}
