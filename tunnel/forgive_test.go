package tunnel

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/binary"
	"net"
	"testing"
	"time"

	"golang.org/x/crypto/blake2s"
	"golang.org/x/crypto/chacha20poly1305"
	wgdevice "golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
	"homeward/tunnel/internal/bind"
	"homeward/tunnel/internal/initiation"
)

// caller begins handshakes with a clock of its own, and nothing else.
type caller struct {
	t       *testing.T
	private secret.Key
	server  [32]byte
	socket  *net.UDPConn
	macs    wgdevice.CookieGenerator
}

func newCaller(t *testing.T, private secret.Key, cfg Config) *caller {
	t.Helper()
	c := &caller{t: t, private: private, server: cfg.PrivateKey.Public()}
	var err error
	if c.socket, err = net.DialUDP("udp", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(cfg.ListenPort)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.socket.Close() })
	c.macs.Init(wgdevice.NoisePublicKey(c.server))
	return c
}

// initiation is the first message of a handshake (WireGuard, section 5.4.2) at a time.
func (c *caller) initiation(at time.Time) []byte {
	c.t.Helper()
	revealed := c.private.Reveal()
	static, err := ecdh.X25519().NewPrivateKey(revealed[:])
	if err != nil {
		c.t.Fatal(err)
	}
	server, err := ecdh.X25519().NewPublicKey(c.server[:])
	if err != nil {
		c.t.Fatal(err)
	}
	shared, err := static.ECDH(server)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.initiationAs(c.private.Public(), shared, at)
}

// initiationAs is initiation by who says that a key is its own, and knows what its owner
// shares with the server.
func (c *caller) initiationAs(public wgtypes.Key, static []byte, at time.Time) []byte {
	c.t.Helper()
	must := func(err error) {
		if err != nil {
			c.t.Fatal(err)
		}
	}
	sum := func(h [32]byte, data []byte) [32]byte { return blake2s.Sum256(append(h[:], data...)) }
	server, err := ecdh.X25519().NewPublicKey(c.server[:])
	must(err)
	ephemeral, err := ecdh.X25519().GenerateKey(rand.Reader)
	must(err)
	m := make([]byte, 0, wgdevice.MessageInitiationSize)
	m = append(m, wgdevice.MessageInitiationType, 0, 0, 0, 1, 2, 3, 4)
	m = append(m, ephemeral.PublicKey().Bytes()...)
	hash := sum(sum(wgdevice.InitialHash, c.server[:]), ephemeral.PublicKey().Bytes())
	var chain, key [32]byte
	wgdevice.KDF1(&chain, wgdevice.InitialChainKey[:], ephemeral.PublicKey().Bytes())
	seal := func(shared, plain []byte) {
		wgdevice.KDF2(&chain, &key, chain[:], shared)
		aead, err := chacha20poly1305.New(key[:])
		must(err)
		sealed := aead.Seal(nil, make([]byte, chacha20poly1305.NonceSize), plain, hash[:])
		hash = sum(hash, sealed)
		m = append(m, sealed...)
	}
	forNow, err := ephemeral.ECDH(server)
	must(err)
	seal(forNow, public[:])
	stamp := binary.BigEndian.AppendUint64(nil, uint64(0x400000000000000a+at.Unix()))
	seal(static, binary.BigEndian.AppendUint32(stamp, uint32(at.Nanosecond())))
	m = m[:wgdevice.MessageInitiationSize]
	c.macs.AddMacs(m)
	return m
}

// call sends a message and says whether it is answered.
func (c *caller) call(message []byte) bool {
	c.t.Helper()
	time.Sleep(wgdevice.HandshakeInitationRate + 10*time.Millisecond) // else it is taken for a flood
	if _, err := c.socket.Write(message); err != nil {
		c.t.Fatal(err)
	}
	if err := c.socket.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		c.t.Fatal(err)
	}
	var answer [256]byte
	n, err := c.socket.Read(answer[:])
	return err == nil && n == wgdevice.MessageResponseSize
}

func TestAPhoneWhoseClockWasInTheFutureIsLetInAgain(t *testing.T) {
	cfg := testConfig(t)
	tun, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	tun.forgiveEvery = time.Hour // the test looks
	run(t, tun)
	private := newKey(t)
	anna, bert := newPhone(t, cfg, "10.66.7.2").peer, newPhone(t, cfg, "10.66.7.3")
	anna.PublicKey = private.Public()
	if err := tun.SetPeers([]Peer{anna, bert.peer}); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if !newCaller(t, private, cfg).call(newCaller(t, private, cfg).initiation(now.AddDate(10, 0, 0))) {
		t.Fatal("a phone in the future is not answered")
	}
	phone := newCaller(t, private, cfg) // its clock is right again
	var last []byte
	ask := func() bool {
		t.Helper()
		now = now.Add(5 * time.Second)
		last = phone.initiation(now)
		return phone.call(last)
	}
	f := newForgiver(tun)
	look := func() { f.look(tun.socket.Calls(time.Now().Add(-time.Minute)), time.Now()) }
	for range 2 * forgiveTries {
		if ask() {
			t.Fatal("it is answered: nothing is proven")
		}
	}
	look()
	look() // of the same message, which may be a recording
	for range 2 {
		if phone.call(last) {
			t.Fatal("a recording lets it in")
		}
	}
	look()
	if ask() {
		t.Fatal("it is let in too early")
	}
	look()
	if !ask() {
		t.Error("it is not let in by itself")
	}
	look()
	until(t, tun, bert, func() bool { return !handshake(t, tun, bert.peer).IsZero() }) // the others are as they were
}

func TestWhoIsHereIsNotResetByAnotherDeviceWithItsKey(t *testing.T) {
	cfg := testConfig(t)
	tun := runTunnel(t, cfg)
	anna := newPhone(t, cfg, "10.66.7.2")
	if err := tun.SetPeers([]Peer{anna.peer}); err != nil {
		t.Fatal(err)
	}
	until(t, tun, anna, func() bool { return !handshake(t, tun, anna.peer).IsZero() })
	before := handshake(t, tun, anna.peer)
	if done, err := tun.reset(anna.peer.PublicKey, time.Now()); done || err != nil || !handshake(t, tun, anna.peer).Equal(before) {
		t.Errorf("its session ended: %v", err)
	}
	if done, err := tun.reset(anna.peer.PublicKey, time.Now().Add(wgdevice.RejectAfterTime)); !done || err != nil || !handshake(t, tun, anna.peer).IsZero() {
		t.Errorf("after three minutes: %v", err)
	}
}

// recordings is an attacker's: calls of a phone that somebody sends again, never answered.
func recordings(c *caller, times ...time.Time) (list []bind.Call) {
	for _, at := range times {
		list = append(list, bind.Call{Tries: forgiveTries, Message: c.initiation(at)})
	}
	return list
}

// Whoever recorded a phone's calls can have each of them count as one more try. A thousand
// of them, of days that were and of days to come, reset its peer a few times an hour; and
// the phone itself does not wait for that.
func TestRecordedCallsResetAPeerAFewTimesAndKeepItsPhoneWaitingNot(t *testing.T) {
	cfg := testConfig(t)
	tun, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	tun.forgiveEvery = time.Hour // the test looks
	run(t, tun)
	private := newKey(t)
	anna := newPhone(t, cfg, "10.66.7.2").peer
	anna.PublicKey = private.Public()
	if err := tun.SetPeers([]Peer{anna}); err != nil {
		t.Fatal(err)
	}
	phone, start := newCaller(t, private, cfg), time.Now()
	resets := func(f *forgiver) time.Time { return f.let[anna.PublicKey].any }
	count := func(f *forgiver, from time.Time, times int, of func(i int) time.Time) (n int) {
		for i := range times {
			before := resets(f)
			f.look(recordings(phone, of(i)), from.Add(time.Duration(i)*forgiveEvery))
			if resets(f) != before {
				n++
			}
		}
		return n
	}
	const hour = int(time.Hour / forgiveEvery)
	f := newForgiver(tun)
	if n := count(f, start, hour, func(i int) time.Time { return start.Add(time.Duration(i) * time.Second) }); n < 2 || n > 9 {
		t.Errorf("recordings of days that were: %d resets in the first hour", n)
	}
	later := start.Add(time.Hour)
	if n := count(f, later, hour, func(i int) time.Time { return start.Add(time.Duration(i) * time.Second) }); n > 2 {
		t.Errorf("the same ones again: %d resets", n)
	}
	f = newForgiver(tun)
	if n := count(f, start, hour, func(i int) time.Time { return start.AddDate(10, 0, i) }); n != 1 {
		t.Errorf("recordings of days to come: %d resets in the first hour", n)
	}
	before := resets(f)
	for i := range 2 { // the phone itself, beside a recording that is sent all the time
		f.look(append(recordings(phone, later.Add(time.Duration(i)*5*time.Second)), recordings(phone, start.AddDate(10, 0, hour))...), later.Add(-time.Minute+time.Duration(i)*forgiveEvery))
	}
	if resets(f) == before {
		t.Error("a recording keeps the phone out")
	}
	if err := tun.SetPeers(nil); err != nil {
		t.Fatal(err)
	}
	if f.look(nil, later); len(f.let) != 0 {
		t.Error("peers are remembered that are none any more")
	}
}

func TestALongCalmForgetsHowOftenSomebodyWasLetIn(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	var l leniency
	at := func(d time.Duration) initiation.Timestamp { return initiation.At(now.Add(d)) }
	for i, wait := range []time.Duration{0, firstWait, 2 * firstWait, 4 * firstWait, 8 * firstWait, longestWait, longestWait} {
		if wait > 0 && l.allows(at(0), now.Add(wait-time.Second)) {
			t.Errorf("time %d: it is let in before %v", i+1, wait)
		}
		now = now.Add(wait)
		if !l.allows(at(0), now) {
			t.Fatalf("time %d: it is not let in after %v", i+1, wait)
		}
		l = l.used(at(0), now)
	}
	if l.allows(at(-time.Second), now.Add(longestWait)) || !l.allows(at(-time.Second), now.Add(doubtWait)) {
		t.Error("what may be a recording does not wait for an hour")
	}
	if l.allows(at(2*clockSlack+longestWait), now.Add(longestWait)) {
		t.Error("a time that has not come is believed")
	}
	now = now.Add(calmAfter)
	if l = l.used(at(0), now); l.wait != firstWait {
		t.Errorf("after a day it waits for %v", l.wait)
	}
}

func TestOnlyTheOwnerOfAKeyProvesATime(t *testing.T) {
	cfg := testConfig(t)
	private, at := newKey(t), time.Unix(1_800_000_000, 500)
	m := newCaller(t, private, cfg).initiation(at)
	key, early, err := initiation.Proven(cfg.PrivateKey, m)
	if err != nil || key != private.Public() {
		t.Fatalf("%v, %v", key, err)
	}
	_, late, err := initiation.Proven(cfg.PrivateKey, newCaller(t, private, cfg).initiation(at.Add(time.Second)))
	if err != nil || bytes.Compare(late[:], early[:]) <= 0 {
		t.Errorf("%x is not later than %x, %v", late, early, err)
	}
	for i := range len(m) - 32 { // all but the MACs
		spoiled := bytes.Clone(m)
		spoiled[i] ^= 1
		if _, _, err := initiation.Proven(cfg.PrivateKey, spoiled); err == nil && i >= 8 {
			t.Errorf("a message with another byte %d is taken", i)
		}
	}
	f := newForgiver(&Tunnel{cfg: cfg})
	f.look([]bind.Call{{Tries: 9, Message: m[:100]}, {Tries: 9, Answers: 1, Message: m}, {Tries: 1, Message: m}}, at)
	if len(f.asked) != 0 {
		t.Errorf("%d are remembered who need nothing", len(f.asked))
	}
}

// A server that has no clock, or a wrong one, is called by phones that have: only what a
// phone said before counts, and that only as long as the server runs.
func TestTheServersOwnClockKeepsNobodyOut(t *testing.T) {
	cfg := testConfig(t)
	private := newKey(t)
	anna := newPhone(t, cfg, "10.66.7.2").peer
	anna.PublicKey = private.Public()
	for _, at := range []time.Time{time.Now().AddDate(50, 0, 0), time.Unix(60, 0)} {
		t.Run(at.Format(time.DateOnly), func(t *testing.T) { // the second one after a restart
			tun := runTunnel(t, cfg)
			if err := tun.SetPeers([]Peer{anna}); err != nil {
				t.Fatal(err)
			}
			if c := newCaller(t, private, cfg); !c.call(c.initiation(at)) {
				t.Error("it is not answered")
			}
		})
	}
}
