package upnp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// NAT-PMP, RFC 6886. All numbers are big endian.
const (
	natpmpVersion   = 0
	natpmpExternal  = 0   // opcode: external address (3.2)
	natpmpMapUDP    = 1   // opcode: map a UDP port (3.3)
	natpmpResponse  = 128 // added to the opcode in a response
	natpmpMapLength = 12
)

// NAT-PMP result codes (RFC 6886, 3.5).
const (
	natpmpSuccess            = 0
	natpmpUnsupportedVersion = 1
	natpmpNotAuthorized      = 2
	natpmpNetworkFailure     = 3
	natpmpOutOfResources     = 4
	natpmpUnsupportedOpcode  = 5
)

// natpmpReply is what every NAT-PMP response has, and what some have.
type natpmpReply struct {
	opcode  byte
	result  uint16
	epoch   uint32     // seconds since the server's state began (3.6)
	address netip.Addr // of an answer to natpmpExternal
	// Of an answer to natpmpMapUDP.
	internal, external uint16
	lifetime           time.Duration
}

// natpmpExternalRequest asks for the external address (3.2).
func natpmpExternalRequest() []byte { return []byte{natpmpVersion, natpmpExternal} }

// natpmpMapRequest asks to map the UDP port to the same one outside (3.3). With
// lifetime zero it takes the mapping away, and the external port must be zero
// then (3.4). Lifetimes are cut to whole seconds.
func natpmpMapRequest(port uint16, lifetime time.Duration) []byte {
	b := make([]byte, natpmpMapLength)
	b[0], b[1] = natpmpVersion, natpmpMapUDP
	binary.BigEndian.PutUint16(b[4:], port)
	if lifetime > 0 {
		binary.BigEndian.PutUint16(b[6:], port)
	}
	binary.BigEndian.PutUint32(b[8:], uint32(lifetime/time.Second))
	return b
}

// parseNATPMP reads a response. A failure has no more than the first eight bytes
// that count, whatever follows them.
func parseNATPMP(b []byte) (natpmpReply, error) {
	if len(b) < 8 {
		return natpmpReply{}, fmt.Errorf("reading a NAT-PMP response: %d bytes are too few", len(b))
	}
	if b[0] != natpmpVersion || b[1] < natpmpResponse {
		return natpmpReply{}, fmt.Errorf("reading a NAT-PMP response: version %d and opcode %d are none of a response", b[0], b[1])
	}
	r := natpmpReply{opcode: b[1] - natpmpResponse, result: binary.BigEndian.Uint16(b[2:]), epoch: binary.BigEndian.Uint32(b[4:])}
	if r.result != natpmpSuccess {
		return r, nil
	}
	switch r.opcode {
	case natpmpExternal:
		if len(b) < 12 {
			return natpmpReply{}, fmt.Errorf("reading a NAT-PMP address: %d bytes are too few", len(b))
		}
		r.address = netip.AddrFrom4([4]byte(b[8:12]))
	case natpmpMapUDP:
		if len(b) < 16 {
			return natpmpReply{}, fmt.Errorf("reading a NAT-PMP mapping: %d bytes are too few", len(b))
		}
		r.internal, r.external = binary.BigEndian.Uint16(b[8:]), binary.BigEndian.Uint16(b[10:])
		r.lifetime = time.Duration(binary.BigEndian.Uint32(b[12:])) * time.Second
	default:
		return natpmpReply{}, fmt.Errorf("reading a NAT-PMP response: opcode %d was not asked for", r.opcode)
	}
	return r, nil
}

// natpmpAnswer is what a result code means.
func natpmpAnswer(result uint16) answer {
	names := map[uint16]struct {
		outcome outcome
		name    string
	}{
		natpmpUnsupportedVersion: {unsupported, "unsupported version"},
		natpmpNotAuthorized:      {notAllowed, "not authorized"},
		natpmpNetworkFailure:     {failed, "no connection to the internet"},
		natpmpOutOfResources:     {tableFull, "out of resources"},
		natpmpUnsupportedOpcode:  {unsupported, "unsupported opcode"},
	}
	if result == natpmpSuccess {
		return answer{}
	}
	n, ok := names[result]
	if !ok {
		n.outcome, n.name = broken, "unknown result"
	}
	return answer{outcome: n.outcome, code: int(result), problem: fmt.Sprintf("NAT-PMP result %d (%s)", result, n.name)}
}
