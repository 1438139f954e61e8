package upnp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// PCP, RFC 6887. All numbers are big endian, all addresses 16 bytes.
const (
	pcpVersion       = 2
	pcpAnnounce      = 0    // opcode (14.1)
	pcpMap           = 1    // opcode (11.1)
	pcpResponse      = 0x80 // the R bit of the opcode (7.2)
	pcpPreferFailure = 2    // option (13.2)
	pcpProtocolUDP   = 17

	pcpHeader    = 24
	pcpMapData   = 36
	pcpOption    = 4
	pcpMaxLength = 1100 // 7
)

// PCP result codes (RFC 6887, 7.4).
const (
	pcpSuccess               = 0
	pcpUnsuppVersion         = 1
	pcpNotAuthorized         = 2
	pcpMalformedRequest      = 3
	pcpUnsuppOpcode          = 4
	pcpUnsuppOption          = 5
	pcpMalformedOption       = 6
	pcpNetworkFailure        = 7
	pcpNoResources           = 8
	pcpUnsuppProtocol        = 9
	pcpUserExQuota           = 10
	pcpCannotProvideExternal = 11
	pcpAddressMismatch       = 12
	pcpExcessiveRemotePeers  = 13
)

// pcpNonce is the proof that a mapping is ours (11.1).
type pcpNonce [12]byte

// pcpMapping is the part of a MAP request and response that the opcode adds.
type pcpMapping struct {
	nonce              pcpNonce
	protocol           byte
	internal, external uint16
	address            netip.Addr // assigned; unspecified in a request
}

// pcpReply is a response.
type pcpReply struct {
	opcode   byte
	result   byte
	lifetime time.Duration // of the mapping, or of the error
	epoch    uint32        // seconds since the server's state began (8.5)
	mapping  pcpMapping    // of an answer to pcpMap
}

// pcpAnnounceRequest asks the server whether it is there, and for its epoch (14.1).
func pcpAnnounceRequest(client netip.Addr) []byte { return pcpRequest(pcpAnnounce, client, 0) }

// pcpMapRequest asks to map the UDP port of client to the same one outside (11.1).
// With exact it asks to fail rather than to get another (13.2). With lifetime zero
// it takes the mapping away; the external port and address are then zero (11.1 and
// erratum 3621). Lifetimes are cut to whole seconds.
func pcpMapRequest(client netip.Addr, nonce pcpNonce, port uint16, lifetime time.Duration, exact bool) []byte {
	b := pcpRequest(pcpMap, client, lifetime)
	data := make([]byte, pcpMapData)
	copy(data, nonce[:])
	data[12] = pcpProtocolUDP
	binary.BigEndian.PutUint16(data[16:], port)
	if lifetime > 0 {
		binary.BigEndian.PutUint16(data[18:], port)
	}
	nowhere := pcpAddress(netip.IPv4Unspecified())
	if client.Is6() {
		nowhere = pcpAddress(netip.IPv6Unspecified())
	}
	copy(data[20:], nowhere[:])
	b = append(b, data...)
	if exact && lifetime > 0 {
		b = append(b, pcpPreferFailure, 0, 0, 0)
	}
	return b
}

// pcpRequest is the common header of requests (7.1).
func pcpRequest(opcode byte, client netip.Addr, lifetime time.Duration) []byte {
	b := make([]byte, pcpHeader, pcpHeader+pcpMapData+pcpOption)
	b[0], b[1] = pcpVersion, opcode
	binary.BigEndian.PutUint32(b[4:], uint32(lifetime/time.Second))
	a := pcpAddress(client)
	copy(b[8:], a[:])
	return b
}

// pcpAddress is an address as PCP writes it: IPv4 ones are mapped (5).
func pcpAddress(a netip.Addr) [16]byte { return a.WithZone("").As16() }

// parsePCP reads a response (7.2).
func parsePCP(b []byte) (pcpReply, error) {
	if len(b) < pcpHeader || len(b) > pcpMaxLength || len(b)%4 != 0 {
		return pcpReply{}, fmt.Errorf("reading a PCP response: %d bytes are none", len(b))
	}
	if b[0] != pcpVersion || b[1]&pcpResponse == 0 {
		return pcpReply{}, fmt.Errorf("reading a PCP response: version %d and opcode %d are none of a response", b[0], b[1])
	}
	r := pcpReply{
		opcode: b[1] &^ pcpResponse, result: b[3],
		lifetime: time.Duration(binary.BigEndian.Uint32(b[4:])) * time.Second, epoch: binary.BigEndian.Uint32(b[8:]),
	}
	switch r.opcode {
	case pcpAnnounce:
		return r, nil
	case pcpMap:
		if len(b) < pcpHeader+pcpMapData {
			return pcpReply{}, fmt.Errorf("reading a PCP mapping: %d bytes are too few", len(b))
		}
	default:
		return pcpReply{}, fmt.Errorf("reading a PCP response: opcode %d was not asked for", r.opcode)
	}
	data := b[pcpHeader:]
	r.mapping = pcpMapping{
		nonce: pcpNonce(data[:12]), protocol: data[12], internal: binary.BigEndian.Uint16(data[16:]),
		external: binary.BigEndian.Uint16(data[18:]), address: netip.AddrFrom16([16]byte(data[20:36])).Unmap(),
	}
	return r, nil
}

// pcpAnswer is what a result code means.
func pcpAnswer(result byte) answer {
	names := map[byte]struct {
		outcome outcome
		name    string
	}{
		pcpUnsuppVersion:         {unsupported, "unsupported version"},
		pcpNotAuthorized:         {notAllowed, "not authorized"},
		pcpMalformedRequest:      {badShape, "malformed request"},
		pcpUnsuppOpcode:          {unsupported, "unsupported opcode"},
		pcpUnsuppOption:          {badShape, "unsupported option"},
		pcpMalformedOption:       {badShape, "malformed option"},
		pcpNetworkFailure:        {failed, "no connection to the internet"},
		pcpNoResources:           {tableFull, "no resources"},
		pcpUnsuppProtocol:        {unsupported, "unsupported protocol"},
		pcpUserExQuota:           {tableFull, "quota exceeded"},
		pcpCannotProvideExternal: {conflict, "the external port is not to be had"},
		pcpAddressMismatch:       {failed, "another router stands between us and it"},
		pcpExcessiveRemotePeers:  {failed, "too many remote peers"},
	}
	if result == pcpSuccess {
		return answer{}
	}
	n, ok := names[result]
	if !ok {
		n.outcome, n.name = broken, "unknown result"
	}
	return answer{outcome: n.outcome, code: int(result), problem: fmt.Sprintf("PCP result %d (%s)", result, n.name)}
}
