package bind

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v3"
	"golang.zx2c4.com/wireguard/conn"

	"homeward/tunnel/internal/echo"
)

// The question leaves by the port that is asked about, and the answer goes no further.
func TestWhereWeAreSeenIsAskedFromThePortInQuestion(t *testing.T) {
	server, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() { // ends with the socket
		for buf := make([]byte, 1500); ; {
			n, from, err := server.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			m := stun.New()
			if stun.Decode(buf[:n], m) != nil {
				continue
			}
			reply, err := stun.Build(m, stun.BindingSuccess, &stun.XORMappedAddress{IP: net.IP(from.Addr().AsSlice()), Port: int(from.Port())})
			if err == nil {
				server.WriteToUDPAddrPort(reply.Raw, from)
			}
		}
	}()
	ports := [2]uint16{freePort(t), freePort(t)}
	b := New(Config{Port: ports[0], Logger: quiet, Asker: &echo.Asker{}})
	if _, err := b.ListenFurther(ports[1:]); err != nil {
		t.Fatal(err)
	}
	receivers, _, err := b.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	device := make(chan int, 64)
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
	at := server.LocalAddr().(*net.UDPAddr).AddrPort()
	for _, port := range ports {
		seen, err := b.Echo(t.Context(), at, port)
		if want := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port); err != nil || seen != want {
			t.Errorf("seen as %v, %v; want %v", seen, err, want)
		}
		select {
		case n := <-device:
			if n != 0 {
				t.Errorf("%d bytes of the answer reach the device", n)
			}
		case <-time.After(time.Minute):
			t.Fatal("nothing reached the receiver")
		}
	}
	if junk := b.Evidence().Classes[Junk].Count; junk != 0 {
		t.Errorf("%d answers count as junk", junk)
	}
}
