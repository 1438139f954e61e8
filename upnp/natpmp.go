package upnp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// NAT-PMP on the wire, RFC 6886. All numbers are big-endian.
const (
	pmpVersion    = 0   // section 3.1: the only one
	pmpOpExternal = 0   // section 3.2: what is your address?
	pmpOpMapUDP   = 1   // section 3.3: map a UDP port
	pmpResponse   = 128 // section 3.1: added to the opcode in answers

	pmpExternalRequestSize  = 2  // section 3.2
	pmpExternalResponseSize = 12 // section 3.2
	pmpMapRequestSize       = 12 // section 3.3
	pmpMapResponseSize      = 16 // section 3.3
	pmpErrorSize            = 8  // section 3.5: what every answer has
)

// pmpCode is a result code, section 3.5.
type pmpCode uint16

const (
	pmpSuccess            pmpCode = 0
	pmpUnsupportedVersion pmpCode = 1
	pmpNotAuthorized      pmpCode = 2 // or switched off by the owner
	pmpNetworkFailure     pmpCode = 3 // the router itself has no address
	pmpOutOfResources     pmpCode = 4
	pmpUnsupportedOpcode  pmpCode = 5
)

var pmpOutcomes = map[pmpCode]outcome{
	pmpSuccess:            done,
	pmpUnsupportedVersion: unsupported,
	pmpNotAuthorized:      notAllowed,
	pmpNetworkFailure:     failed,
	pmpOutOfResources:     tableFull,
	pmpUnsupportedOpcode:  unsupported,
}

func (c pmpCode) answer() answer {
	if c == pmpSuccess {
		return answer{}
	}
	o, ok := pmpOutcomes[c]
	if !ok {
		o = broken
	}
	return answer{outcome: o, code: int(c), problem: fmt.Sprintf("NAT-PMP result %d", c)}
}

var errNotPMP = errors.New("not a NAT-PMP answer to our request")

// pmpExternalRequest asks for the router's address, section 3.2.
func pmpExternalRequest() []byte { return []byte{pmpVersion, pmpOpExternal} }

// pmpMapRequest asks for a UDP mapping, section 3.3. The wish is the same port
// outside as inside; RouterOS refuses a wish of 0, which would mean "any".
func pmpMapRequest(port uint16, lifetime time.Duration) []byte {
	return pmpMap(port, port, uint32(lifetime/time.Second))
}

// pmpDeleteRequest takes a mapping away, section 3.4: lifetime and external port
// are zero. An internal port of zero would delete every mapping of this machine,
// also those of other programs, so it is never sent.
func pmpDeleteRequest(port uint16) []byte { return pmpMap(port, 0, 0) }

func pmpMap(internal, external uint16, lifetime uint32) []byte {
	b := make([]byte, pmpMapRequestSize)
	b[0], b[1] = pmpVersion, pmpOpMapUDP
	binary.BigEndian.PutUint16(b[4:], internal)
	binary.BigEndian.PutUint16(b[6:], external)
	binary.BigEndian.PutUint32(b[8:], lifetime)
	return b
}

// pmpReply is an answer of the router. Which of the last fields count depends on
// the opcode; all are zero when the code isn't success.
type pmpReply struct {
	op    uint8 // without pmpResponse
	code  pmpCode
	epoch uint32 // section 3.6: seconds since the router's table was last empty

	external         netip.Addr    // pmpOpExternal
	internal, mapped uint16        // pmpOpMapUDP; internal also in refusals that are long enough
	lifetime         time.Duration // pmpOpMapUDP
}

// parsePMP reads one datagram. Longer answers than the RFC's are accepted: what
// follows is not read. A PCP server that knows no NAT-PMP says "unsupported version"
// in its own format (RFC 6887 section 7.2), which comes out as that.
func parsePMP(b []byte) (pmpReply, error) {
	if len(b) >= pcpHeaderSize && len(b) <= maxControlPacket && b[0] == pcpVersion && b[1] >= pcpResponse &&
		pcpCode(b[3]) == pcpUnsuppVersion {
		return pmpReply{op: b[1] - pmpResponse, code: pmpUnsupportedVersion}, nil
	}
	switch {
	case len(b) < pmpErrorSize || len(b) > maxControlPacket:
		return pmpReply{}, fmt.Errorf("%w: %d bytes", errNotPMP, len(b))
	case b[0] != pmpVersion:
		return pmpReply{}, fmt.Errorf("%w: version %d", errNotPMP, b[0])
	case b[1] < pmpResponse:
		return pmpReply{}, fmt.Errorf("%w: opcode %d is a request's", errNotPMP, b[1])
	}
	r := pmpReply{
		op:    b[1] - pmpResponse,
		code:  pmpCode(binary.BigEndian.Uint16(b[2:])),
		epoch: binary.BigEndian.Uint32(b[4:]),
	}
	if r.op == pmpOpMapUDP && len(b) >= pmpErrorSize+2 {
		r.internal = binary.BigEndian.Uint16(b[8:])
	}
	if r.code != pmpSuccess {
		return r, nil
	}
	switch {
	case r.op == pmpOpExternal && len(b) >= pmpExternalResponseSize:
		r.external = netip.AddrFrom4([4]byte(b[8:12]))
	case r.op == pmpOpMapUDP && len(b) >= pmpMapResponseSize:
		r.mapped = binary.BigEndian.Uint16(b[10:])
		r.lifetime = time.Duration(binary.BigEndian.Uint32(b[12:])) * time.Second
	default:
		return pmpReply{}, fmt.Errorf("%w: opcode %d with %d bytes", errNotPMP, r.op, len(b))
	}
	return r, nil
}
