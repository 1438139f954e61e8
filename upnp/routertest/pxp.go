package routertest

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// PXPOptions make a server of PCP and NAT-PMP. The zero value speaks neither.
type PXPOptions struct{ PCP, NATPMP bool }

// PXP is a router's server for PCP (RFC 6887) and NAT-PMP (RFC 6886), on loopback.
// It reads and writes bytes by itself: the code that it tests is not used.
type PXP struct {
	opt  PXPOptions
	conn *net.UDPConn
	wait sync.WaitGroup

	mu       sync.Mutex // guards what follows
	born     time.Time
	wan      [4]byte
	lease    uint32 // the longest
	result   byte   // instead of granting; zero grants
	offer    uint16 // another external port than asked for; zero gives the one asked for
	options  bool   // knows PREFER_FAILURE
	mutilate func(reply []byte) [][]byte
	mapped   map[uint16]PXPMapping
	requests [][]byte
}

// PXPMapping is a mapping that the server granted.
type PXPMapping struct {
	External uint16
	Nonce    [12]byte // of PCP
	Lifetime uint32
}

// NewPXP starts a server; it ends with the test.
func NewPXP(t testing.TB, opt PXPOptions) *PXP {
	t.Helper()
	p := &PXP{opt: opt, born: time.Now().Add(-time.Hour), wan: [4]byte{81, 2, 69, 2}, lease: 86400, options: true, mapped: map[uint16]PXPMapping{}}
	var err error
	p.conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)})
	if err != nil {
		t.Fatal(err)
	}
	p.wait.Go(p.serve)
	t.Cleanup(func() {
		p.conn.Close()
		p.wait.Wait()
	})
	return p
}

// Addr is where it answers.
func (p *PXP) Addr() netip.AddrPort { return p.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// Change changes how it behaves.
func (p *PXP) Change(f func(*PXP)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p)
}

// The settings that follow are for Change.

// Restart forgets all mappings, and the epoch begins.
func (p *PXP) Restart() { p.born, p.mapped = time.Now(), map[uint16]PXPMapping{} }

// WAN sets the external address.
func (p *PXP) WAN(a netip.Addr) { p.wan = a.As4() }

// LongestLease sets the longest lease in seconds.
func (p *PXP) LongestLease(s uint32) { p.lease = s }

// Refuse answers mapping requests with a result code.
func (p *PXP) Refuse(result byte) { p.result = result }

// Offer gives another port than asked for.
func (p *PXP) Offer(port uint16) { p.offer = port }

// NoOptions makes it refuse PCP's options.
func (p *PXP) NoOptions() { p.options = false }

// Mutilate sends what f makes of each reply instead of the reply.
func (p *PXP) Mutilate(f func(reply []byte) [][]byte) { p.mutilate = f }

// Mapped is what it has granted, by internal port.
func (p *PXP) Mapped() map[uint16]PXPMapping {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := map[uint16]PXPMapping{}
	for k, v := range p.mapped {
		m[k] = v
	}
	return m
}

// Requests are the datagrams that came so far.
func (p *PXP) Requests() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([][]byte(nil), p.requests...)
}

func (p *PXP) serve() {
	buf := make([]byte, 2048)
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		for _, reply := range p.answer(append([]byte(nil), buf[:n]...)) {
			p.conn.WriteToUDPAddrPort(reply, from)
		}
	}
}

func (p *PXP) answer(req []byte) [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, req)
	var reply []byte
	switch {
	case len(req) < 2:
		return nil
	case req[0] == 2 && p.opt.PCP:
		reply = p.pcp(req)
	case p.opt.NATPMP && req[0] == 0:
		reply = p.natpmp(req)
	case p.opt.NATPMP: // RFC 6886, 3.5: another version is told so
		reply = p.natpmpHead(req[1], 1)
	}
	if reply == nil {
		return nil
	}
	if p.mutilate != nil {
		return p.mutilate(reply)
	}
	return [][]byte{reply}
}

func (p *PXP) epoch() uint32 { return uint32(time.Since(p.born) / time.Second) }

func (p *PXP) natpmpHead(opcode, result byte) []byte {
	b := []byte{0, opcode | 128, 0, result, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(b[4:], p.epoch())
	return b
}

func (p *PXP) natpmp(req []byte) []byte {
	switch {
	case req[1] == 0:
		return append(p.natpmpHead(0, 0), p.wan[:]...)
	case req[1] != 1 || len(req) < 12:
		return p.natpmpHead(req[1], 5)
	case p.result != 0:
		return p.natpmpHead(1, p.result)
	}
	internal, external := binary.BigEndian.Uint16(req[4:]), binary.BigEndian.Uint16(req[6:])
	external, life := p.grant(internal, external, binary.BigEndian.Uint32(req[8:]), [12]byte{})
	b := append(p.natpmpHead(1, 0), 0, 0, 0, 0, 0, 0, 0, 0)
	binary.BigEndian.PutUint16(b[8:], internal)
	binary.BigEndian.PutUint16(b[10:], external)
	binary.BigEndian.PutUint32(b[12:], life)
	return b
}

// grant notes a mapping or its end.
func (p *PXP) grant(internal, external uint16, life uint32, nonce [12]byte) (uint16, uint32) {
	if life == 0 {
		delete(p.mapped, internal)
		return 0, 0
	}
	if p.offer != 0 {
		external = p.offer
	}
	life = min(life, p.lease)
	p.mapped[internal] = PXPMapping{external, nonce, life}
	return external, life
}

func (p *PXP) pcp(req []byte) []byte {
	b := append([]byte(nil), req...)
	b[1] |= 0x80
	b[2], b[3] = 0, 0
	clear(b[12:24])
	binary.BigEndian.PutUint32(b[8:], p.epoch())
	if req[1] == 0 {
		return b
	}
	internal := binary.BigEndian.Uint16(req[40:])
	nonce := [12]byte(req[24:36])
	exact := len(req) > 60
	old, have := p.mapped[internal]
	switch {
	case exact && !p.options:
		b[3] = 5
	case p.result != 0:
		b[3] = p.result
	case exact && p.offer != 0:
		b[3] = 11
	case have && old.Nonce != nonce:
		b[3] = 2 // RFC 6887, 11.3
	}
	if b[3] != 0 {
		return b
	}
	external, life := p.grant(internal, binary.BigEndian.Uint16(req[42:]), binary.BigEndian.Uint32(req[4:]), nonce)
	binary.BigEndian.PutUint32(b[4:], life)
	binary.BigEndian.PutUint16(b[42:], external)
	copy(b[44:], []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})
	copy(b[56:], p.wan[:])
	return b[:60]
}
