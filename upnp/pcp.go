package upnp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// PCP on the wire, RFC 6887. All numbers are big-endian; addresses are 16 bytes,
// IPv4 in its mapped form (section 5).
const (
	pcpVersion    = 2    // section 7.1
	pcpOpAnnounce = 0    // section 14.1: are you there, and since when?
	pcpOpMap      = 1    // section 11
	pcpResponse   = 0x80 // section 7.2: the R bit beside the opcode

	pcpHeaderSize = 24 // sections 7.1 and 7.2
	pcpMapSize    = 36 // section 11.1
	pcpOptionSize = 4  // section 7.3

	pcpOptionPreferFailure = 2  // section 13.2: this port or none
	pcpProtocolUDP         = 17 // section 11.1, IANA's number
)

// pcpCode is a result code, section 7.4.
type pcpCode uint8

const (
	pcpSuccess               pcpCode = 0
	pcpUnsuppVersion         pcpCode = 1
	pcpNotAuthorized         pcpCode = 2
	pcpMalformedRequest      pcpCode = 3
	pcpUnsuppOpcode          pcpCode = 4
	pcpUnsuppOption          pcpCode = 5
	pcpMalformedOption       pcpCode = 6
	pcpNetworkFailure        pcpCode = 7
	pcpNoResources           pcpCode = 8
	pcpUnsuppProtocol        pcpCode = 9
	pcpUserExQuota           pcpCode = 10
	pcpCannotProvideExternal pcpCode = 11
	pcpAddressMismatch       pcpCode = 12
	pcpExcessiveRemotePeers  pcpCode = 13
)

var pcpOutcomes = map[pcpCode]outcome{
	pcpSuccess:               done,
	pcpUnsuppVersion:         unsupported,
	pcpNotAuthorized:         notAllowed,
	pcpMalformedRequest:      badShape,
	pcpUnsuppOpcode:          unsupported,
	pcpUnsuppOption:          unsupported,
	pcpMalformedOption:       badShape,
	pcpNetworkFailure:        failed,
	pcpNoResources:           tableFull,
	pcpUnsuppProtocol:        unsupported,
	pcpUserExQuota:           tableFull,
	pcpCannotProvideExternal: conflict,
	pcpAddressMismatch:       behindNAT,
	pcpExcessiveRemotePeers:  badShape,
}

func (c pcpCode) answer() answer {
	if c == pcpSuccess {
		return answer{}
	}
	o, ok := pcpOutcomes[c]
	if !ok {
		o = broken
	}
	return answer{outcome: o, code: int(c), problem: fmt.Sprintf("PCP result %d", c)}
}

// Nonce is what proves to a PCP server that a mapping is ours (RFC 6887 section
// 11.1). Without it the server may refuse renewal and deletion (section 11.3).
type Nonce [12]byte

// String hides the nonce: whoever knows it can close our port.
func (Nonce) String() string { return "(nonce)" }

var errNotPCP = errors.New("not a PCP answer to our request")

// pcpHeader begins a request, section 7.1. The client's address is the one that
// the packet leaves from; a router that sees another answers ADDRESS_MISMATCH.
func pcpHeader(op uint8, lifetime uint32, client netip.Addr) []byte {
	b := make([]byte, pcpHeaderSize, pcpHeaderSize+pcpMapSize+pcpOptionSize)
	b[0], b[1] = pcpVersion, op
	binary.BigEndian.PutUint32(b[4:], lifetime)
	ip := client.As16()
	copy(b[8:], ip[:])
	return b
}

// pcpAnnounceRequest asks whether the server is there, section 14.1.
func pcpAnnounceRequest(client netip.Addr) []byte { return pcpHeader(pcpOpAnnounce, 0, client) }

// pcpMapRequest asks for a UDP mapping, section 11.1, with PREFER_FAILURE where
// exactly is set. The suggested address is "any" (0.0.0.0 or ::, section 11.1), because
// a suggestion of last week's address together with PREFER_FAILURE would fail.
func pcpMapRequest(client netip.Addr, nonce Nonce, port, external uint16, lifetime time.Duration, exactly bool) []byte {
	b := pcpMap(pcpHeader(pcpOpMap, uint32(lifetime/time.Second), client), client, nonce, port, external)
	if exactly {
		b = append(b, pcpOptionPreferFailure, 0, 0, 0) // section 7.3: code, reserved, length 0
	}
	return b
}

// pcpDeleteRequest takes a mapping away, section 15.1: lifetime zero, external
// port and address zero (erratum 3621). PREFER_FAILURE has no place in it
// (section 13.2).
func pcpDeleteRequest(client netip.Addr, nonce Nonce, port uint16) []byte {
	return pcpMap(pcpHeader(pcpOpMap, 0, client), client, nonce, port, 0)
}

func pcpMap(b []byte, client netip.Addr, nonce Nonce, internal, external uint16) []byte {
	b = append(b, nonce[:]...)
	b = append(b, pcpProtocolUDP, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, internal)
	b = binary.BigEndian.AppendUint16(b, external)
	none := netip.IPv4Unspecified()
	if client.Is6() {
		none = netip.IPv6Unspecified()
	}
	ip := none.As16()
	return append(b, ip[:]...)
}

// pcpReply is an answer of the router. The fields of a mapping count for pcpOpMap
// when mapping is set, in a refusal as in a grant: a refusal repeats the request.
type pcpReply struct {
	op       uint8
	code     pcpCode
	lifetime time.Duration // of the mapping, or of the refusal
	epoch    uint32        // section 8.5: seconds since the router's table was last empty

	mapping          bool
	nonce            Nonce
	protocol         uint8
	internal, mapped uint16
	external         netip.Addr
}

// parsePCP reads one datagram. A NAT-PMP server's "unsupported version" (RFC 6887
// appendix A) comes out as pcpUnsuppVersion: it is the answer to our version 2.
// Options are not read: we use none that comes back with news.
func parsePCP(b []byte) (pcpReply, error) {
	if len(b) >= pmpErrorSize && len(b) <= maxControlPacket && b[0] < pcpVersion && b[1] >= pcpResponse &&
		b[2] == 0 && b[3] == byte(pcpUnsuppVersion) {
		return pcpReply{op: b[1] - pcpResponse, code: pcpUnsuppVersion}, nil
	}
	switch {
	case len(b) < pcpHeaderSize || len(b) > maxControlPacket || len(b)%4 != 0: // section 8.3
		return pcpReply{}, fmt.Errorf("%w: %d bytes", errNotPCP, len(b))
	case b[1] < pcpResponse:
		return pcpReply{}, fmt.Errorf("%w: opcode %d is a request's", errNotPCP, b[1])
	case b[0] != pcpVersion && pcpCode(b[3]) != pcpUnsuppVersion:
		return pcpReply{}, fmt.Errorf("%w: version %d", errNotPCP, b[0])
	}
	r := pcpReply{
		op:       b[1] - pcpResponse,
		code:     pcpCode(b[3]),
		lifetime: time.Duration(binary.BigEndian.Uint32(b[4:])) * time.Second,
		epoch:    binary.BigEndian.Uint32(b[8:]),
	}
	if r.op != pcpOpMap {
		return r, nil
	}
	m := b[pcpHeaderSize:]
	if len(m) < pcpMapSize {
		if r.code == pcpSuccess {
			return pcpReply{}, fmt.Errorf("%w: a mapping in %d bytes", errNotPCP, len(b))
		}
		return r, nil
	}
	r.mapping = true
	r.nonce = Nonce(m[:12])
	r.protocol = m[12]
	r.internal = binary.BigEndian.Uint16(m[16:])
	r.mapped = binary.BigEndian.Uint16(m[18:])
	r.external = netip.AddrFrom16([16]byte(m[20:36])).Unmap()
	return r, nil
}
