package netstack

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// rawEcho asks by a raw socket, which root and CAP_NET_RAW may have where ping
// sockets are not allowed. It hears all echoes from the host that it is
// connected to, also those for other programs: an identifier tells them apart.
type rawEcho struct {
	*net.IPConn
	v4 bool
	id uint16
}

func rawWay(to netip.Addr) (echoWay, error) {
	network := "ip6:ipv6-icmp"
	if to.Is4() {
		network = "ip4:icmp"
	}
	c, err := net.DialIP(network, nil, &net.IPAddr{IP: to.AsSlice()})
	if err != nil {
		return nil, err
	}
	return &rawEcho{c, to.Is4(), uint16(rand.Uint32())}, nil
}

func (e *rawEcho) ask(request []byte) error {
	msg := append([]byte(nil), request...)
	binary.BigEndian.PutUint16(msg[4:], e.id)
	if e.v4 { // of ICMPv6 the kernel makes the checksum, since it knows our address
		msg[2], msg[3] = 0, 0
		header.ICMPv4(msg).SetChecksum(^checksum.Checksum(msg, 0))
	}
	_, err := e.Write(msg)
	return err
}

func (e *rawEcho) answer(buf []byte) ([]byte, error) {
	for {
		n, _, err := e.ReadFrom(buf) // which leaves the IP header out
		if err != nil {
			return nil, err
		}
		if n >= echoHeader && buf[0] == replyType(e.v4) && e.isOurs(buf) {
			return buf[:n], nil
		}
	}
}

func (e *rawEcho) isOurs(msg []byte) bool {
	return len(msg) >= echoHeader && binary.BigEndian.Uint16(msg[4:]) == e.id
}

func (e *rawEcho) said() ([]verdict, [][]byte) {
	var ours []verdict
	for _, v := range heard(e) {
		if e.isOurs(v.data) {
			ours = append(ours, v)
		}
	}
	return ours, nil
}
