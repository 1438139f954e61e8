package bind

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v3"
	"golang.zx2c4.com/wireguard/conn"

	"homeward/tunnel/internal/knock"
)

// doorOn is a bind on two ports of loopback with a door, and the sizes that reach
// the device.
func doorOn(t *testing.T) (b *Bind, d *knock.Door, ports [2]uint16, device chan int) {
	t.Helper()
	ports = [2]uint16{freePort(t), freePort(t)}
	d = &knock.Door{}
	b = New(Config{Port: ports[0], Logger: quiet, Door: d})
	if _, err := b.ListenFurther(ports[1:]); err != nil {
		t.Fatal(err)
	}
	receivers, _, err := b.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	device = make(chan int, 16)
	for _, r := range receivers {
		go func() { // ends with the bind
			packets, sizes, eps := [][]byte{make([]byte, 65535)}, []int{0}, make([]conn.Endpoint, 1)
			for {
				if _, err := r(packets, sizes, eps); err != nil {
					return
				}
				device <- sizes[0]
			}
		}()
	}
	return b, d, ports, device
}

// call sends a packet to a port of ours and returns the answer; nil: none.
func call(t *testing.T, port uint16, packet []byte, device <-chan int) (answer []byte, reached int) {
	t.Helper()
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(packet); err != nil {
		t.Fatal(err)
	}
	select {
	case reached = <-device: // an answer left before
	case <-time.After(time.Minute):
		t.Fatal("nothing reached the receiver")
	}
	c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	buf := make([]byte, 2000)
	n, err := c.Read(buf)
	if err != nil {
		return nil, reached
	}
	return buf[:n], reached
}

func knockWith(t *testing.T, s knock.Secret) []byte {
	t.Helper()
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(s.User+":x"), stun.NewShortTermIntegrity(s.Password.Reveal()), stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

func TestAKnockIsAnsweredFromThePortThatWasCalledAndGoesNoFurther(t *testing.T) {
	b, d, ports, device := doorOn(t)
	s := d.Open(func(netip.Addr) bool { return true })
	for _, port := range ports {
		answer, reached := call(t, port, knockWith(t, s), device)
		if !stun.IsMessage(answer) || reached != 0 {
			t.Errorf("port %d: answer %x, and %d bytes reach the device", port, answer, reached)
		}
	}
	heard := d.Heard()
	if len(heard) != 2 || heard[0].Port != ports[0] || heard[1].Port != ports[1] {
		t.Errorf("heard %v, want one on each of %v", heard, ports)
	}
	if junk := b.Evidence().Classes[Junk].Count; junk != 0 {
		t.Errorf("%d knocks count as junk", junk)
	}
	d.Shut()
	if answer, reached := call(t, ports[0], knockWith(t, s), device); answer != nil || reached == 0 {
		t.Errorf("a shut door answers %x, and %d bytes reach the device", answer, reached)
	}
	if junk := b.Evidence().Classes[Junk].Count; junk != 1 {
		t.Errorf("%d of 1 knocks at a shut door count as junk", junk)
	}
}

func TestWireGuardsMessagesPassADoorThatWaits(t *testing.T) {
	_, d, ports, device := doorOn(t)
	d.Open(func(netip.Addr) bool { return true })
	for kind := byte(1); kind <= 4; kind++ {
		packet := make([]byte, 148)
		packet[0] = kind
		copy(packet[4:], "\x21\x12\xa4\x42") // chance may put the cookie of STUN here: it is a number of the sender's choice
		if answer, reached := call(t, ports[0], packet, device); answer != nil || reached != len(packet) {
			t.Errorf("message %d: answer %x, %d of %d bytes reach the device", kind, answer, reached, len(packet))
		}
	}
}
