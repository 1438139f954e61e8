package bind

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	wgdevice "golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// Class is what a datagram looks like from outside.
type Class uint8

// The classes.
const (
	TooShort   Class = iota // less than any message of WireGuard
	Junk                    // no message of WireGuard, or of a wrong length
	WrongKey                // an initiation or a response meant for another server's key
	Initiation              // somebody who knows our public key begins a handshake
	Response                // an answer to a handshake that we began
	Cookie                  // we are asked to prove our address
	Data                    // of a session that we know
	StrayData               // of a session that we don't know, as after a restart
	Answered                // sent by us: our response to an initiation
	Challenged              // sent by us: a cookie, since we are under load
	classes
)

var classNames = [classes]string{"too short", "junk", "wrong key", "initiation", "response", "cookie", "data", "stray data", "answered", "challenged"}

// String names the class in a word or two.
func (c Class) String() string { return classNames[c] }

// Classes lists all of them.
func Classes() []Class {
	list := make([]Class, classes)
	for i := range list {
		list[i] = Class(i)
	}
	return list
}

// Tally counts datagrams of one class since the start.
type Tally struct {
	Count uint64
	Last  time.Time // zero: never
}

func (t *Tally) add(n uint64, now time.Time) { t.Count, t.Last = t.Count+n, now }

// Seen is what was seen of one class, of everybody.
type Seen struct {
	Tally
	From netip.AddrPort // of the last one; for what we sent, where it went
}

// Source is one address outside and what was seen of it.
type Source struct {
	Addr    netip.Addr
	Port    uint16 // the last one
	First   time.Time
	Last    time.Time
	Classes [classes]Tally
}

// Evidence is what reached the port, up to one moment.
type Evidence struct {
	Classes [classes]Seen
	Sources []Source // the latest first; old ones are forgotten, see maxSources
	Forgot  uint64   // sources that were forgotten
}

// Bounds of what is remembered.
const (
	maxSources  = 64
	maxSessions = 8192
	// sessionLife is a session's longest life (REJECT_AFTER_TIME) and what an
	// initiation may take.
	sessionLife = wgdevice.RejectAfterTime + wgdevice.RekeyAttemptTime
)

// evidence collects Evidence.
type evidence struct {
	checker wgdevice.CookieChecker
	now     func() time.Time

	mu       sync.Mutex // guards what follows
	total    [classes]Seen
	sources  map[netip.Addr]*Source
	calls    map[netip.AddrPort]*Call
	forgot   uint64
	sessions map[uint32]time.Time // numbers that we gave out, and when
}

func newEvidence(own wgtypes.Key) *evidence {
	e := &evidence{now: time.Now, sources: map[netip.Addr]*Source{}, calls: map[netip.AddrPort]*Call{}, sessions: map[uint32]time.Time{}}
	e.checker.Init(wgdevice.NoisePublicKey(own))
	return e
}

// Evidence returns what reached the port so far.
func (b *Bind) Evidence() Evidence { return b.evidence.snapshot() }

func (e *evidence) snapshot() Evidence {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := Evidence{Classes: e.total, Forgot: e.forgot}
	for _, s := range e.sources {
		out.Sources = append(out.Sources, *s)
	}
	slices.SortFunc(out.Sources, func(a, b Source) int {
		if c := b.Last.Compare(a.Last); c != 0 {
			return c
		}
		return a.Addr.Compare(b.Addr)
	})
	return out
}

// received notes a batch. Packets of one class and endpoint that follow each
// other count at one go: those of a session mostly do. It returns how many are
// of sessions that we know.
func (e *evidence) received(packets [][]byte, sizes []int, eps []conn.Endpoint) (data int) {
	now := e.now()
	e.mu.Lock()
	defer e.mu.Unlock()
	var look lookup
	first, class, run := -1, classes, uint64(0) // so far
	for i, n := range sizes[:len(packets)] {
		if n == 0 {
			continue
		}
		c := e.classLocked(packets[i][:n], &look)
		if first >= 0 && (c != class || eps[i] != eps[first]) {
			e.noteLocked(class, eps[first], run, now)
			first = -1
		}
		if first < 0 {
			first, class, run = i, c, 0
		}
		run++
		switch c {
		case Data:
			data++
		case Initiation:
			e.callLocked(packets[i][:n], eps[i], now)
		}
	}
	if first >= 0 {
		e.noteLocked(class, eps[first], run, now)
	}
	return data
}

// lookup is the last look into the table of sessions.
type lookup struct {
	number uint32
	known  bool
}

// classLocked judges a datagram by its outside.
func (e *evidence) classLocked(b []byte, last *lookup) Class {
	if len(b) < wgdevice.MinMessageSize {
		return TooShort
	}
	switch kind := binary.LittleEndian.Uint32(b); {
	case kind == wgdevice.MessageTransportType:
		if n := binary.LittleEndian.Uint32(b[4:]); !last.known || n != last.number {
			last.number = n
			_, last.known = e.sessions[n]
		}
		if last.known {
			return Data
		}
		return StrayData
	case kind == wgdevice.MessageInitiationType && len(b) == wgdevice.MessageInitiationSize:
		if !e.checker.CheckMAC1(b) {
			return WrongKey
		}
		return Initiation
	case kind == wgdevice.MessageResponseType && len(b) == wgdevice.MessageResponseSize:
		if !e.checker.CheckMAC1(b) {
			return WrongKey
		}
		return Response
	case kind == wgdevice.MessageCookieReplyType && len(b) == wgdevice.MessageCookieReplySize:
		return Cookie
	}
	return Junk
}

// sending learns the numbers of our sessions, and what we answer.
func (e *evidence) sending(packets [][]byte, to conn.Endpoint) {
	if len(packets) != 1 || len(packets[0]) < 8 {
		return // only data goes in batches
	}
	b := packets[0]
	kind := binary.LittleEndian.Uint32(b)
	if kind == wgdevice.MessageTransportType {
		return
	}
	now := e.now()
	e.mu.Lock()
	defer e.mu.Unlock()
	switch kind {
	case wgdevice.MessageInitiationType, wgdevice.MessageResponseType:
		e.beginLocked(binary.LittleEndian.Uint32(b[4:]), now)
		if kind == wgdevice.MessageResponseType {
			e.noteLocked(Answered, to, 1, now)
			e.answeredLocked(to)
		}
	case wgdevice.MessageCookieReplyType:
		e.noteLocked(Challenged, to, 1, now)
	}
}

// beginLocked remembers the number of a session that may come to be.
func (e *evidence) beginLocked(number uint32, now time.Time) {
	if len(e.sessions) >= maxSessions {
		maps.DeleteFunc(e.sessions, func(_ uint32, t time.Time) bool { return now.Sub(t) > sessionLife })
	}
	if len(e.sessions) < maxSessions {
		e.sessions[number] = now
	}
}

func (e *evidence) noteLocked(c Class, ep conn.Endpoint, n uint64, now time.Time) {
	from := addrPort(ep)
	e.total[c].add(n, now)
	e.total[c].From = from
	src := e.sources[from.Addr()]
	if src == nil {
		e.makeRoomLocked()
		src = &Source{Addr: from.Addr(), First: now}
		e.sources[from.Addr()] = src
	}
	src.Port, src.Last = from.Port(), now
	src.Classes[c].add(n, now)
}

// makeRoomLocked forgets a source that was quiet for long; first those who never
// showed that they know our key, so that noise does not bury a device. It looks
// at a few only (a map begins anywhere), so that noise costs little.
func (e *evidence) makeRoomLocked() {
	if len(e.sources) < maxSources {
		return
	}
	var worst *Source
	looked := 0
	for _, s := range e.sources {
		if worst == nil || s.stranger() && !worst.stranger() || s.stranger() == worst.stranger() && s.Last.Before(worst.Last) {
			worst = s
		}
		if looked++; looked >= 16 && worst.stranger() {
			break
		}
	}
	delete(e.sources, worst.Addr)
	e.forgot++
}

// stranger says that nothing of the source was meant for us.
func (s *Source) stranger() bool {
	return s.Classes[Initiation].Count+s.Classes[Response].Count+s.Classes[Data].Count == 0
}

// addrPort is where an endpoint is.
func addrPort(ep conn.Endpoint) netip.AddrPort {
	if e, ok := ep.(interface{ addrPort() netip.AddrPort }); ok {
		return e.addrPort()
	}
	a, _ := netip.ParseAddrPort(ep.DstToString())
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
