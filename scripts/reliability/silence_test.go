//go:build linux

package reliability

import (
	"crypto/rand"
	"encoding/binary"
	"net"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// Who has no code does not even hear that somebody is there.
func TestStrangersHearNothingFromThePort(t *testing.T) {
	h := newHome(t, buildHomeward(t), true, labnet.Options{})
	c, err := h.Internet.ListenPacket("udp4", ":0")
	if err != nil {
		t.Fatal(err)
	}
	to, err := net.ResolveUDPAddr("udp4", net.JoinHostPort(labnet.RouterWAN, h.port))
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range strangersMessages() {
		if _, err := c.WriteTo(message, to); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond) // none shall be lost on the way
	}
	c.SetReadDeadline(time.Now().Add(2 * time.Second))
	b := make([]byte, 2048)
	if n, from, err := c.ReadFrom(b); err == nil {
		t.Errorf("%v answers a stranger: % x", from, b[:n])
	}
	if _, served := h.comesIn(); !served {
		t.Error("the phone does not come in: the silence proves nothing")
	}
}

// strangersMessages are what somebody tries who looks for open ports: messages of
// WireGuard's by form, questions of other protocols, and noise.
func strangersMessages() [][]byte {
	var all [][]byte
	add := func(size int, head ...byte) {
		b := make([]byte, size)
		rand.Read(b)
		copy(b, head)
		all = append(all, b)
	}
	for range 50 {
		for kind, size := range map[byte]int{1: 148, 2: 92, 3: 64, 4: 96} {
			add(size, kind, 0, 0, 0)
		}
	}
	stun := []byte{0, 1, 0, 0}
	stun = binary.BigEndian.AppendUint32(stun, 0x2112A442) // RFC 8489 section 5
	add(20, stun...)
	add(60, append(stun[:2:2], append([]byte{0, 40}, stun[4:]...)...)...)
	dns := []byte{0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1}
	all = append(all, dns, []byte{0}, []byte{}, []byte("M-SEARCH * HTTP/1.1\r\n\r\n"), []byte{2, 0, 0, 0})
	for size := 1; size <= 1400; size += 13 {
		add(size)
	}
	return all
}
