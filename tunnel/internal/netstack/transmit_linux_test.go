package netstack

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestDatagramsOfTheHostGoOutWholeAndTheirErrorsAreTold(t *testing.T) {
	there, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	host, err := net.Dial("udp", there.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	send := transmitter(host)
	for _, size := range []int{1, 0, 1200, 9000} {
		if n, err := send(make([]byte, size)); n != size || err != nil {
			t.Fatalf("sent %d bytes of %d: %v", n, size, err)
		}
		b := make([]byte, 10000)
		_ = there.SetReadDeadline(time.Now().Add(time.Minute))
		if n, err := there.Read(b); n != size || err != nil {
			t.Fatalf("%d bytes of %d arrived: %v", n, size, err)
		}
	}
	if _, err := send(make([]byte, 1<<16)); !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("what is too large: %v", err)
	}
	there.Close()
	var refused error
	for range 100 { // the first tells the host that nobody is there
		if _, refused = send([]byte{1}); refused != nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if outcomeOf(refused) != outcomeOf(os.NewSyscallError("write", syscall.ECONNREFUSED)) || refused == nil {
		t.Errorf("a port that is closed: %v", refused)
	}
	host.Close()
	if _, err := send([]byte{1}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after closing: %v", err)
	}
}
