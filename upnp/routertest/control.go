package routertest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Names of the requests of PCP and NAT-PMP, for scripts and counters.
const (
	PCPAnnounce = "PCP ANNOUNCE"
	PCPMap      = "PCP MAP"
	PMPExternal = "NAT-PMP address"
	PMPMap      = "NAT-PMP map"
)

// Result codes that the router itself uses; the other ones come by Reply.Code.
const (
	pmpBadVersion   = 1
	pmpNetwork      = 3
	pcpBadVersion   = 1
	pcpNotAllowed   = 2
	pcpMalformed    = 3
	pcpNetwork      = 7
	pcpCannot       = 11
	pcpWrongAddress = 12
	preferFailure   = 2
)

// ControlPort is the UDP port on which the router answers PCP and NAT-PMP; one
// that is closed when it speaks neither.
func (r *Router) ControlPort() uint16 {
	if r.ctl == nil {
		return 9
	}
	return r.ctl.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

// StopControl closes that port: requests are then answered by ICMP.
func (r *Router) StopControl() { r.ctl.Close() }

// SetUptime makes the router have started so long ago, with its table as it is.
func (r *Router) SetUptime(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.booted = time.Now().Add(-d)
}

func (r *Router) answerControl() {
	buf := make([]byte, 2048)
	for {
		n, from, err := r.ctl.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		request := append([]byte(nil), buf[:n]...)
		switch {
		case len(request) < 2:
		case request[0] == 0 && r.opt.PMP:
			r.answerPMP(request, from)
		case request[0] == 0: // RFC 6887 section 7.2: PCP's way to say so
			r.send(r.ctl, string(r.pcpHeader(request[1], pcpBadVersion, 0, 2)), from, netip.Addr{})
		case request[0] == 2 && r.opt.PCP:
			r.answerPCP(request, from)
		default: // RFC 6886 section 3.5: NAT-PMP's way
			r.send(r.ctl, string(r.pmpHeader(request[1], pmpBadVersion, 0)), from, netip.Addr{})
		}
	}
}

// sendReply sends an answer as the reply wants it.
func (r *Router) sendReply(name string, answer []byte, to netip.AddrPort, reply Reply) {
	defer r.end(name)
	for _, b := range reply.Before {
		r.send(r.ctl, b, to, netip.Addr{})
	}
	if reply.Drop {
		return
	}
	if reply.Body != "" {
		answer = []byte(reply.Body)
	}
	if reply.Cut > 0 {
		answer = answer[:min(reply.Cut, len(answer))]
	}
	answer = append(answer, make([]byte, reply.Pad)...)
	r.send(r.ctl, string(answer), to, reply.From)
	if reply.Twice {
		r.send(r.ctl, string(answer), to, reply.From)
	}
}

func (r *Router) uptime() uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return uint32(time.Since(r.booted) / time.Second)
}

func (r *Router) pmpHeader(op byte, code int, version int) []byte {
	b := []byte{byte(version), 128 + op, 0, byte(code)}
	return binary.BigEndian.AppendUint32(b, r.uptime())
}

func (r *Router) pcpHeader(op byte, code int, lifetime uint32, version int) []byte {
	b := []byte{byte(version), 0x80 | op, 0, byte(code)}
	b = binary.BigEndian.AppendUint32(b, lifetime)
	b = binary.BigEndian.AppendUint32(b, r.uptime())
	return append(b, make([]byte, 12)...)
}

// wanAddr is the address on the internet side; ok is false while there is none.
func (r *Router) wanAddr() (netip.Addr, bool) {
	r.mu.Lock()
	text := r.wanOf(r.opt.Services[0])
	r.mu.Unlock()
	a, err := netip.ParseAddr(text)
	return a, err == nil && a.Is4()
}

func (r *Router) answerPMP(b []byte, from netip.AddrPort) {
	wan, online := r.wanAddr()
	switch {
	case b[1] == 0 && len(b) == 2:
		reply := r.next(PMPExternal, nil)
		code := reply.Code
		if !online && code == 0 {
			code, wan = pmpNetwork, netip.AddrFrom4([4]byte{})
		}
		ip := wan.As4()
		r.sendReply(PMPExternal, append(r.pmpHeader(0, code, reply.Version), ip[:]...), from, reply)
	case b[1] == 1 && len(b) == 12:
		internal, external := binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])
		lifetime := binary.BigEndian.Uint32(b[8:])
		reply := r.next(PMPMap, controlArgs(internal, external, lifetime))
		code := reply.Code
		if code == 0 && !online {
			code = pmpNetwork
		}
		granted := external
		if code == 0 && !reply.Lie {
			granted, lifetime, _ = r.grant("NAT-PMP", from, internal, external, lifetime, "", false, reply)
		}
		answer := r.pmpHeader(1, code, reply.Version)
		answer = binary.BigEndian.AppendUint16(answer, internal)
		answer = binary.BigEndian.AppendUint16(answer, granted)
		r.sendReply(PMPMap, binary.BigEndian.AppendUint32(answer, lifetime), from, reply)
	}
}

func controlArgs(internal, external uint16, lifetime uint32) map[string]string {
	return map[string]string{"internal": strconv.Itoa(int(internal)), "external": strconv.Itoa(int(external)),
		"lifetime": strconv.FormatUint(uint64(lifetime), 10)}
}

func (r *Router) answerPCP(b []byte, from netip.AddrPort) {
	if len(b) < 24 || len(b)%4 != 0 {
		r.send(r.ctl, string(r.pcpHeader(b[1]&0x7f, pcpMalformed, 0, 2)), from, netip.Addr{})
		return
	}
	mismatch := netip.AddrFrom16([16]byte(b[8:24])).Unmap() != from.Addr().Unmap()
	if b[1] == 0 {
		reply := r.next(PCPAnnounce, nil)
		code := reply.Code
		if mismatch {
			code = pcpWrongAddress
		}
		r.sendReply(PCPAnnounce, r.pcpHeader(0, code, 0, version(reply, 2)), from, reply)
		return
	}
	if b[1] != 1 || len(b) < 60 {
		r.send(r.ctl, string(r.pcpHeader(b[1]&0x7f, pcpMalformed, 0, 2)), from, netip.Addr{})
		return
	}
	lifetime := binary.BigEndian.Uint32(b[4:])
	m := append([]byte(nil), b[24:60]...)
	internal, external := binary.BigEndian.Uint16(m[16:]), binary.BigEndian.Uint16(m[18:])
	args := controlArgs(internal, external, lifetime)
	args["nonce"] = hex.EncodeToString(m[:12])
	exactly := len(b) >= 64 && b[60] == preferFailure
	args["exactly"] = strconv.FormatBool(exactly)
	reply := r.next(PCPMap, args)
	wan, online := r.wanAddr()
	if r.opt.IPv6 {
		wan = from.Addr()
	}
	code, granted := reply.Code, external
	switch {
	case code != 0 || reply.Lie:
	case mismatch:
		code = pcpWrongAddress
	case !online:
		code = pcpNetwork
	case m[12] != 17:
		code = pcpMalformed
	case lifetime == 0 && exactly:
		code = pcpMalformed // section 13.2
	default:
		granted, lifetime, code = r.grant("PCP MAP", from, internal, external, lifetime, args["nonce"], exactly, reply)
	}
	if code == 0 {
		binary.BigEndian.PutUint16(m[18:], granted)
		ip := wan.As16()
		copy(m[20:], ip[:])
	} else {
		lifetime = 30
	}
	if reply.WrongNonce {
		m[0]++
	}
	answer := append(r.pcpHeader(1, code, lifetime, version(reply, 2)), m...)
	r.sendReply(PCPMap, answer, from, reply)
}

func version(reply Reply, right int) int {
	if reply.Version != 0 {
		return reply.Version
	}
	return right
}

// grant makes, renews or removes a mapping as both RFCs say: the wish if it is
// free, else the next free port. With a nonce only who knows it may change one.
func (r *Router) grant(by string, from netip.AddrPort, internal, external uint16, lifetime uint32, nonce string,
	exactly bool, reply Reply) (port uint16, granted uint32, code int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	table := r.entries
	if r.opt.Separate {
		table = r.control
	}
	client := from.Addr().Unmap().String()
	for port, e := range table {
		if e.Client != client || e.Internal != internal || e.Protocol != "UDP" || !strings.HasPrefix(e.Description, by) {
			continue
		}
		if nonce != "" && r.nonces[port] != nonce {
			return 0, 0, pcpNotAllowed
		}
		if lifetime == 0 {
			delete(table, port)
			return 0, 0, 0
		}
		external = port
	}
	if lifetime == 0 {
		return 0, 0, 0
	}
	if reply.Port != 0 {
		external = reply.Port
	}
	if e, taken := table[external]; taken && (e.Client != client || e.Internal != internal) || !r.opt.allows(external) {
		if exactly {
			return 0, 0, pcpCannot
		}
		external = r.freeLocked(external, table)
	}
	if reply.Lifetime != 0 {
		lifetime = reply.Lifetime
	}
	r.nonces[external] = nonce
	table[external] = Entry{External: external, Internal: internal, Protocol: "UDP", Client: client,
		Description: fmt.Sprintf("%s %s", by, nonce), Lease: time.Duration(lifetime) * time.Second}
	return external, lifetime, 0
}

// Garbage is what a NAT-PMP or PCP client must be able to hear.
func Garbage() []string {
	return []string{"", "\x00", "\x02", "\x00\x80", "\x02\x81\x00\x00", "HTTP/1.1 200 OK\r\n\r\n",
		strings.Repeat("\xff", 60), strings.Repeat("\x00", 1500), "\x00\x81\x00\x00" + strings.Repeat("\x00", 12)}
}
