package upnp

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"time"
)

// pcp is the Port Control Protocol, RFC 6887. Between IPv6 addresses the same
// messages open the router's firewall (section 2.2).
type pcp struct {
	port   uint16
	secret []byte // what the nonces are made of
}

func (p *pcp) name() string { return "PCP" }

// probe sends ANNOUNCE (section 14.1), which has no effect. A server that doesn't
// know it says so by a PCP answer, and is one.
func (p *pcp) probe(ctx context.Context, gw Gateway) (session, answer) {
	// With IPv6 the port outside is always the one inside: no need to insist.
	s := &pcpSession{at: control{gw: gw, port: p.port}, secret: p.secret, loose: gw.Self.Is6()}
	if _, a := s.announce(ctx); !a.ok() {
		return nil, a
	}
	return s, answer{}
}

// pcpSession is a PCP server.
type pcpSession struct {
	at       control
	secret   []byte
	epoch    epoch
	lost     bool       // the table was lost since the last add
	loose    bool       // the server doesn't know PREFER_FAILURE, or doesn't need it
	assigned netip.Addr // of the last grant
}

func (s *pcpSession) router() Router { return Router{Via: "PCP"} }

// nonce is the mapping's, always the same for the same place: after a crash the
// next run can renew and remove what this one made. It can't be guessed without
// the secret (section 11.1 asks for that).
func (s *pcpSession) nonce(w want) Nonce {
	if w.nonce != (Nonce{}) {
		return w.nonce
	}
	return nonceOf(s.secret, s.at.gw.Addr, w.client, w.port)
}

// nonceOf makes the nonce of a mapping.
func nonceOf(secret []byte, gw, client netip.Addr, port uint16) (n Nonce) {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("pcp map udp"))
	for _, a := range []netip.Addr{gw, client} {
		ip := a.As16()
		h.Write(ip[:])
	}
	h.Write(binary.BigEndian.AppendUint16(nil, port))
	copy(n[:], h.Sum(nil))
	return n
}

// ask sends a request and notes the epoch of the answer.
func (s *pcpSession) ask(ctx context.Context, request []byte, mine func(pcpReply) bool) (pcpReply, answer) {
	var r pcpReply
	a := s.at.ask(ctx, request, func(b []byte) bool {
		got, err := parsePCP(b)
		if err != nil || !mine(got) {
			return false
		}
		r = got
		return true
	})
	switch {
	case !a.ok():
	case r.code == pcpUnsuppVersion: // its epoch, if any, is another protocol's
		return r, r.code.answer()
	case s.epoch.next(r.epoch, time.Now(), true):
		s.lost = true
	}
	return r, a
}

func (s *pcpSession) announce(ctx context.Context) (pcpReply, answer) {
	r, a := s.ask(ctx, pcpAnnounceRequest(s.at.gw.client()), func(r pcpReply) bool { return r.op == pcpOpAnnounce })
	if a.ok() && r.code == pcpAddressMismatch {
		return r, r.code.answer()
	}
	return r, a
}

// external asks for nothing but the epoch; the address comes with the mapping. A
// router whose address changes begins a new epoch (section 8.5), and the mapping,
// asked for again, brings the new one.
func (s *pcpSession) external(ctx context.Context) (netip.Addr, answer) {
	if _, a := s.announce(ctx); !a.ok() {
		return netip.Addr{}, a
	}
	switch {
	case s.lost:
		return netip.Addr{}, restarted
	case !s.assigned.IsValid():
		return netip.Addr{}, answer{outcome: unsupported, problem: "PCP tells the address with the mapping"}
	}
	return s.assigned, answer{}
}

// add asks for exactly our port (PREFER_FAILURE, section 13.2). Without that option
// a router gives any port; that one is given back at once.
//
// Routers answer CANNOT_PROVIDE_EXTERNAL both when the port is taken and when their
// rules forbid it: see taken.
func (s *pcpSession) add(ctx context.Context, w want) (grant, answer) {
	r, a := s.mapPort(ctx, w, w.port, !s.loose)
	if a.code == int(pcpUnsuppOption) && !s.loose {
		s.loose = true
		r, a = s.mapPort(ctx, w, w.port, false)
	}
	if a.outcome == conflict && !w.guess {
		return grant{}, s.taken(ctx, w, a)
	}
	if !a.ok() {
		return grant{}, a
	}
	if r.mapped != w.port || r.lifetime == 0 {
		s.remove(ctx, w)
		return grant{}, notAsAsked(r.mapped, w)
	}
	s.assigned = netip.Addr{}
	if r.external.Is4() == w.client.Is4() && !r.external.IsUnspecified() {
		s.assigned = r.external
	}
	return grant{lease: min(r.lifetime, maxGrant), told: true, external: s.assigned}, answer{}
}

// taken finds out why the port isn't to be had, by asking for exactly one other
// external port, which is given back at once. Asking for any would make miniupnpd
// walk through all ports for half a minute, and answer nobody meanwhile.
func (s *pcpSession) taken(ctx context.Context, w want, refusal answer) answer {
	w.lease = endingLease
	r, a := s.mapPort(ctx, w, otherPort(w.port), true)
	switch {
	case a.ok() && r.lifetime > 0:
		s.remove(ctx, w)
	case a.outcome == conflict:
		return answer{outcome: notAllowed, code: a.code, problem: refusal.problem + ", for another port too"}
	}
	return refusal
}

// otherPort is another port of those that homeward chooses from (20000 to 60999).
func otherPort(port uint16) uint16 {
	const first, count = 20000, 41000
	return uint16(first + (int(port)+count/2-first+count)%count)
}

func (s *pcpSession) mapPort(ctx context.Context, w want, external uint16, exactly bool) (pcpReply, answer) {
	nonce := s.nonce(w)
	r, a := s.ask(ctx, pcpMapRequest(s.at.gw.client(), nonce, w.port, external, w.lease, exactly),
		func(r pcpReply) bool { return r.answers(nonce, w.port) })
	if !a.ok() {
		return r, a
	}
	s.lost = false // what follows is about the table as it is now
	return r, r.code.answer()
}

// answers reports whether a reply is about the mapping with this nonce (section
// 11.4). A refusal may be too short to say.
func (r pcpReply) answers(nonce Nonce, port uint16) bool {
	if r.op != pcpOpMap {
		return false
	}
	if !r.mapping {
		return r.code != pcpSuccess
	}
	return r.nonce == nonce && r.protocol == pcpProtocolUDP && r.internal == port
}

// check asks for the mapping once more, as in NAT-PMP.
func (s *pcpSession) check(ctx context.Context, w want) (grant, answer) { return s.add(ctx, w) }

// remove takes the mapping away, section 15.1.
func (s *pcpSession) remove(ctx context.Context, w want) answer {
	nonce := s.nonce(w)
	r, a := s.ask(ctx, pcpDeleteRequest(s.at.gw.client(), nonce, w.port),
		func(r pcpReply) bool { return r.answers(nonce, w.port) })
	if a.ok() && r.code == pcpNotAuthorized && w.client.Is6() {
		// miniupnpd on nftables recognises no IPv6 mapping when it is to be removed
		// (2.3.1), but lets us shorten it.
		w.lease = time.Second
		r, a = s.mapPort(ctx, w, w.port, false)
		if a.ok() && r.lifetime > endingLease {
			a = pcpNotAuthorized.answer()
		}
	}
	if !a.ok() {
		return a
	}
	return r.code.answer()
}

// endingLease is how long a mapping that we gave back may last. Servers grant no
// less than two minutes (RFC 6887 section 15).
const endingLease = 2 * time.Minute

// sweep can do nothing, as in NAT-PMP.
func (s *pcpSession) sweep(context.Context, want) (int, answer) {
	return 0, answer{outcome: unsupported}
}
