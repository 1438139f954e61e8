package ddns

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// udpSize is what fits through every network (RFC 9715 section 3.1).
const udpSize = 1232

// exchangeOn sends a message on a fresh connection, reads one answer and closes
// it. Answers to other questions are passed over by the library, by their ID.
func exchangeOn(ctx context.Context, conn net.Conn, m *dns.Msg, keys map[string]string) (*dns.Msg, error) {
	defer func() { _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	unblock := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer unblock()
	client := &dns.Client{TsigSecret: keys, UDPSize: udpSize}
	resp, _, err := client.ExchangeWithConnContext(ctx, m, &dns.Conn{Conn: conn, UDPSize: udpSize, TsigSecret: keys})
	if resp != nil && (!resp.Response || resp.Opcode != m.Opcode || !sameQuestion(resp, m)) {
		return nil, errForeignAnswer
	}
	return resp, err
}

// sameQuestion holds an answer to its question; an update's may come without one
// (RFC 2136 section 3.8).
func sameQuestion(resp, m *dns.Msg) bool {
	if len(resp.Question) == 0 {
		return m.Opcode == dns.OpcodeUpdate || resp.Rcode != dns.RcodeSuccess
	}
	a, b := resp.Question[0], m.Question[0]
	return dns.CanonicalName(a.Name) == dns.CanonicalName(b.Name) && a.Qtype == b.Qtype && a.Qclass == b.Qclass
}

func allowAll(netip.Addr) bool { return true }
