package upnp

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// pcp is the Port Control Protocol, RFC 6887.
type pcp struct {
	port   uint16
	secret []byte // of which nonces are made
}

func (p *pcp) probe(ctx context.Context, gw Gateway) (session, answer) {
	s := &pcpSession{server: netip.AddrPortFrom(gw.Addr, p.port), self: gw.Self, secret: p.secret}
	if a := s.announce(ctx); a.outcome != done && a.outcome != notThere {
		return nil, a
	}
	return s, answer{}
}

// pcpSession is a router that answered.
type pcpSession struct {
	server  netip.AddrPort
	self    netip.Addr
	secret  []byte
	epoch   epoch
	wan     netip.Addr // assigned at the last mapping
	held    want       // the zero value while there is no mapping
	lenient bool       // the server does not know PREFER_FAILURE
}

func (s *pcpSession) router() Router { return Router{Via: "PCP", ID: s.server.Addr().String()} }

// nonce is the mapping's. It is derived, so that neither a crash nor a lost file
// can make a mapping of ours a stranger's (RFC 6887, 11.2.1 and 11.3).
func (s *pcpSession) nonce(port uint16) pcpNonce {
	h := hmac.New(sha256.New, s.secret)
	h.Write([]byte("PCP nonce"))
	self := pcpAddress(s.self)
	h.Write(self[:])
	h.Write(binary.BigEndian.AppendUint16(nil, port))
	return pcpNonce(h.Sum(nil)[:12])
}

// ask makes one request. A server that only knows NAT-PMP says so in NAT-PMP's
// form (RFC 6887, 9); another PCP version in PCP's.
func (s *pcpSession) ask(ctx context.Context, request []byte, fits func(pcpReply) bool) (pcpReply, answer) {
	var r pcpReply
	err := exchange(ctx, s.server, netip.AddrPortFrom(s.self, 0), request, func(b []byte) bool {
		if len(b) >= 4 && b[0] != pcpVersion && b[1]&pcpResponse != 0 {
			r = pcpReply{result: pcpUnsuppVersion}
			return true
		}
		got, err := parsePCP(b)
		if err != nil || got.opcode != request[1] || !fits(got) {
			return false // late, or nothing to us
		}
		r = got
		return true
	})
	if err != nil {
		return r, answerOf("PCP", err)
	}
	return r, pcpAnswer(r.result)
}

// announce asks for the server's epoch. The outcome is notThere when the server
// has lost its state.
func (s *pcpSession) announce(ctx context.Context) answer {
	r, a := s.ask(ctx, pcpAnnounceRequest(s.self), func(pcpReply) bool { return true })
	if a.ok() && s.epoch.pcp(time.Now(), r.epoch) {
		return answer{outcome: notThere, problem: "the router restarted"}
	}
	return a
}

// external returns the address that the router gives with the mapping, by asking
// for the mapping again: that also makes anew what a router lost.
func (s *pcpSession) external(ctx context.Context) (netip.Addr, answer) {
	if s.held.port == 0 {
		return netip.Addr{}, answer{outcome: unsupported, problem: "PCP tells the address with a mapping only"}
	}
	g, a := s.add(ctx, s.held)
	return g.address, a
}

func (s *pcpSession) add(ctx context.Context, w want) (grant, answer) {
	lease := w.lease
	if lease == 0 {
		lease = longLease // zero would take it away
	}
	r, a := s.mapPort(ctx, w.port, lease, !s.lenient)
	if a.code == pcpUnsuppOption && !s.lenient {
		s.lenient = true
		r, a = s.mapPort(ctx, w.port, lease, false)
	}
	if !a.ok() {
		return grant{}, a
	}
	s.epoch.pcp(time.Now(), r.epoch) // what was lost has just been made anew
	switch {
	case r.mapping.external != w.port:
		s.remove(ctx, w)
		return grant{}, otherPort("PCP", r.mapping.external)
	case r.lifetime <= 0:
		return grant{}, answer{outcome: broken, problem: "PCP: the mapping has no lifetime"}
	}
	if s.wan = r.mapping.address; s.wan.IsUnspecified() {
		s.wan = netip.Addr{}
	}
	s.held = w
	return grant{lease: min(r.lifetime, lease), address: s.wan}, answer{}
}

func (s *pcpSession) mapPort(ctx context.Context, port uint16, lease time.Duration, exact bool) (pcpReply, answer) {
	nonce := s.nonce(port)
	return s.ask(ctx, pcpMapRequest(s.self, nonce, port, lease, exact), func(r pcpReply) bool {
		m := r.mapping
		return m.nonce == nonce && m.protocol == pcpProtocolUDP && m.internal == port && (lease > 0 || r.lifetime == 0 || r.result != pcpSuccess)
	})
}

// check makes the mapping again, under its nonce: this protocol knows no question.
func (s *pcpSession) check(ctx context.Context, w want) (grant, answer) { return s.add(ctx, w) }

func (s *pcpSession) remove(ctx context.Context, w want) answer {
	s.held = want{}
	_, a := s.mapPort(ctx, w.port, 0, false)
	return a
}

// sweep finds nothing: this protocol has no list.
func (s *pcpSession) sweep(context.Context, want) (int, answer) { return 0, answer{} }

// otherPort is the answer to a port that we did not ask for.
func otherPort(protocol string, got uint16) answer {
	return answer{outcome: conflict, problem: fmt.Sprintf("%s: the router offers port %d instead", protocol, got)}
}
