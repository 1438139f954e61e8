package knock

import (
	"bytes"
	"crypto/rand"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v3"

	"homeward/configs/secret"
)

const (
	// Lasts is how long a secret is good for.
	Lasts = 2 * time.Minute
	// headerSize and largest bound what is looked at: a browser's request has some 100
	// bytes, and nothing over 548 may be sent without asking for the path's MTU (RFC 8489 6.1).
	headerSize = 20
	largest    = 548
	// most is how many signatures are checked for one secret. A browser sends some dozens.
	most = 2000
)

// Secret is what a browser is told, so that we know it by its request (the short-term
// credentials of RFC 8489 9.1).
type Secret struct {
	User     string      // the part of USERNAME that names us, ICE's ufrag
	Password secret.Text // signs the request and our answer
	Until    time.Time
}

// Heard is a knock that was answered.
type Heard struct {
	At   time.Time
	From netip.AddrPort // outside
	Port uint16         // ours that was called
}

// Door waits for knocks. Its zero value waits for none. It may be used by several
// goroutines at once.
type Door struct {
	waiting atomic.Pointer[waiting]

	mu   sync.Mutex // guards what follows
	last []Heard    // of each family and port the latest
}

// waiting is one secret that is good at the moment.
type waiting struct {
	Secret
	prefix  []byte // of USERNAME
	key     stun.MessageIntegrity
	outside func(netip.Addr) bool
	checked atomic.Int64
}

// Open makes a secret, and has whoever knocks with it answered for as long as it Lasts,
// if outside says that he is. One before it is good no more.
func (d *Door) Open(outside func(netip.Addr) bool) Secret {
	password := rand.Text()
	s := Secret{User: rand.Text()[:12], Password: secret.NewText(password), Until: time.Now().Add(Lasts)}
	d.waiting.Store(&waiting{Secret: s, prefix: []byte(s.User + ":"), key: stun.NewShortTermIntegrity(password), outside: outside})
	return s
}

// Shut makes the secret good no more.
func (d *Door) Shut() { d.waiting.Store(nil) }

// Waits says whether anybody may knock. It is cheap: every packet is preceded by it.
func (d *Door) Waits() bool { return d != nil && d.waiting.Load() != nil }

// Heard returns the latest knock by each family at each port, in no order.
func (d *Door) Heard() []Heard {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Heard(nil), d.last...)
}

// Looks says whether a packet may be a STUN binding request. WireGuard's messages begin
// with 1 to 4.
func Looks(packet []byte) bool {
	return len(packet) >= headerSize && len(packet) <= largest && packet[0] == 0 && packet[1] == 1 && stun.IsMessage(packet)
}

// Answer is what a packet from there to our port is answered with. It is false for
// whoever does not know the secret, and for whoever is at home: neither gets an answer.
func (d *Door) Answer(packet []byte, from netip.AddrPort, port uint16) (answer []byte, ok bool) {
	w := d.waiting.Load()
	if w == nil || !Looks(packet) {
		return nil, false
	}
	now := time.Now()
	if now.After(w.Until) {
		d.waiting.CompareAndSwap(w, nil)
		return nil, false
	}
	request := stun.New()
	if !w.signed(packet, request) || !w.outside(from.Addr()) {
		return nil, false
	}
	address := &stun.XORMappedAddress{IP: net.IP(from.Addr().AsSlice()), Port: int(from.Port())}
	reply, err := stun.Build(request, stun.BindingSuccess, address, w.key, stun.Fingerprint)
	if err != nil {
		return nil, false // there is none: all of it is ours
	}
	d.note(Heard{now, from, port})
	return reply.Raw, true
}

// signed reads a request and says whether it was made with the secret.
func (w *waiting) signed(packet []byte, into *stun.Message) bool {
	if stun.Decode(packet, into) != nil || stun.Fingerprint.Check(into) != nil {
		return false
	}
	user, err := into.Get(stun.AttrUsername)
	if err != nil || !bytes.HasPrefix(user, w.prefix) || w.checked.Add(1) > most {
		return false
	}
	return w.key.Check(into) == nil
}

// note remembers a knock.
func (d *Door) note(h Heard) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, old := range d.last {
		if old.Port == h.Port && old.From.Addr().Is4() == h.From.Addr().Is4() {
			d.last[i] = h
			return
		}
	}
	d.last = append(d.last, h)
}
