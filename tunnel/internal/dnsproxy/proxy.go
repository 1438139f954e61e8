package dnsproxy

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	port       = 53
	maxMessage = 65535            // a DNS message over TCP (RFC 1035, 4.2.2)
	idle       = 10 * time.Second // of a TCP connection (RFC 7766, 6.2.3)
	inFlight   = 256              // queries in all
	perPeer    = 32               // queries and TCP connections of one peer
	restTime   = 100 * time.Millisecond
)

// Network is where the proxy listens: the data plane.
type Network interface {
	ListenPacket(netip.AddrPort) (net.PacketConn, error)
	Listen(netip.AddrPort) (net.Listener, error)
}

// Config is what a Proxy needs.
type Config struct {
	Addresses []netip.Addr            // our own inside the tunnel
	Resolvers func() []netip.AddrPort // nil reads /etc/resolv.conf
	Network   Network
	Logger    *slog.Logger
}

// Proxy forwards DNS queries.
type Proxy struct {
	cfg       Config
	packets   []net.PacketConn
	listeners []net.Listener
	quota     *quota
	tallies   tallies
}

// New checks cfg and opens nothing.
func New(cfg Config) (*Proxy, error) {
	if cfg.Network == nil || len(cfg.Addresses) == 0 {
		return nil, errors.New("making the DNS proxy: there is no address to listen on")
	}
	if cfg.Resolvers == nil {
		cfg.Resolvers = System()
	}
	return &Proxy{cfg: cfg, quota: newQuota(inFlight, perPeer)}, nil
}

// Listen opens port 53 on all addresses, or on none.
func (p *Proxy) Listen() error {
	for _, a := range p.cfg.Addresses {
		at := netip.AddrPortFrom(a, port)
		pc, err := p.cfg.Network.ListenPacket(at)
		if err == nil {
			p.packets = append(p.packets, pc)
			var l net.Listener
			if l, err = p.cfg.Network.Listen(at); err == nil {
				p.listeners = append(p.listeners, l)
			}
		}
		if err != nil {
			p.close()
			return fmt.Errorf("opening DNS on %v: %w", at, err)
		}
	}
	return nil
}

func (p *Proxy) close() {
	for _, c := range p.packets {
		c.Close()
	}
	for _, l := range p.listeners {
		l.Close()
	}
}

// Run serves until ctx ends and returns when all queries have ended.
func (p *Proxy) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, c := range p.packets {
		wg.Go(func() { p.serveUDP(ctx, c, &wg) })
	}
	for _, l := range p.listeners {
		wg.Go(func() { p.serveTCP(ctx, l, &wg) })
	}
	<-ctx.Done()
	p.close()
}

func (p *Proxy) serveUDP(ctx context.Context, c net.PacketConn, wg *sync.WaitGroup) {
	b := make([]byte, maxMessage)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			rest(ctx)
			continue
		}
		peer := addrOf(from)
		if !p.quota.take(peer) {
			continue
		}
		query := slices.Clone(b[:n])
		wg.Go(func() {
			defer p.quota.give(peer)
			if answer := p.answer(ctx, "udp", peer, query); answer != nil {
				c.WriteTo(answer, from)
			}
		})
	}
}

// rest waits a moment, or less when ctx ends.
func rest(ctx context.Context) {
	t := time.NewTimer(restTime)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func (p *Proxy) serveTCP(ctx context.Context, l net.Listener, wg *sync.WaitGroup) {
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			rest(ctx) // out of files, perhaps; names by TCP must not end for that
			continue
		}
		peer := addrOf(c.RemoteAddr())
		if !p.quota.take(peer) {
			c.Close()
			continue
		}
		wg.Go(func() {
			defer p.quota.give(peer)
			defer c.Close()
			stop := context.AfterFunc(ctx, func() { c.Close() })
			defer stop()
			p.converse(ctx, c, peer)
		})
	}
}

// converse answers the queries of one TCP connection, one after another.
func (p *Proxy) converse(ctx context.Context, c net.Conn, peer netip.Addr) {
	for {
		c.SetDeadline(time.Now().Add(idle))
		query, err := readFramed(c)
		if err != nil {
			return
		}
		answer := p.answer(ctx, "tcp", peer, query)
		if answer == nil || writeFramed(c, answer) != nil {
			return
		}
	}
}

// answer answers a peer's query and counts it. It is nil for what is no query.
func (p *Proxy) answer(ctx context.Context, network string, peer netip.Addr, query []byte) []byte {
	p.tallies.asked(peer)
	answer, how := p.ask(ctx, network, query)
	p.tallies.ended(peer, how)
	return answer
}

// ask returns the answer to query, or SERVFAIL when no resolver had one, or nil
// for what is no query. A resolver that is not willing to find out counts only
// when no other answers, as in the C library.
func (p *Proxy) ask(ctx context.Context, network string, query []byte) ([]byte, outcome) {
	q, ok := parseQuery(query)
	if !ok {
		return nil, noQuery
	}
	var unwilling []byte
	for _, r := range p.cfg.Resolvers() {
		if slices.Contains(p.cfg.Addresses, r.Addr().Unmap()) {
			continue // ourselves
		}
		answer, err := exchange(ctx, network, r, query, q)
		if err == nil && !isUnwilling(answer) {
			return answer, answered
		}
		if err == nil {
			unwilling = answer
			continue
		}
		p.cfg.Logger.Debug("a resolver did not answer", "resolver", r, "err", err)
	}
	if unwilling != nil {
		return unwilling, refused
	}
	return q.serverFailure(), failed
}

func readFramed(r io.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

func writeFramed(w io.Writer, message []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...))
	return err
}

func addrOf(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
