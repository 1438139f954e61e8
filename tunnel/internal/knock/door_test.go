package knock

import (
	"bytes"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v3"
)

var phone = netip.MustParseAddrPort("198.51.100.7:40123")

// everywhere says that all the world is outside.
func everywhere(netip.Addr) bool { return true }

// request is what a browser sends that was told a secret. Its other attributes are
// those of ICE (RFC 8445 7.1.1).
func request(t testing.TB, s Secret, more ...stun.Setter) []byte {
	t.Helper()
	m, err := stun.Build(append([]stun.Setter{
		stun.TransactionID, stun.BindingRequest, stun.NewUsername(s.User + ":browser"),
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{0x6e, 0, 0x1e, 0xff}},
		stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)},
		stun.NewShortTermIntegrity(s.Password.Reveal()),
	}, append(more, stun.Fingerprint)...)...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

func TestWhoKnowsTheSecretIsAnsweredAndRemembered(t *testing.T) {
	var d Door
	s := d.Open(everywhere)
	for _, from := range []netip.AddrPort{phone, netip.MustParseAddrPort("[2001:db8::7]:40123")} {
		q := request(t, s)
		raw, ok := d.Answer(q, from, 51820)
		if !ok {
			t.Fatalf("a knock from %v gets no answer", from)
		}
		var answer stun.Message
		if err := stun.Decode(raw, &answer); err != nil {
			t.Fatal(err)
		}
		var seen stun.XORMappedAddress
		if err := seen.GetFrom(&answer); err != nil || seen.Port != int(from.Port()) || seen.IP.String() != from.Addr().String() {
			t.Errorf("the answer says %v, %v, want %v", seen, err, from)
		}
		if answer.Type != stun.BindingSuccess || !bytes.Equal(answer.TransactionID[:], q[8:20]) {
			t.Errorf("the answer is a %v to %x, want to %x", answer.Type, answer.TransactionID, q[8:20])
		}
		if err := answer.Check(stun.Fingerprint); err != nil {
			t.Error(err)
		}
		if err := stun.NewShortTermIntegrity(s.Password.Reveal()).Check(&answer); err != nil {
			t.Error("a browser cannot tell that the answer is ours:", err)
		}
	}
	d.Answer(request(t, s), netip.MustParseAddrPort("198.51.100.8:1"), 51820)
	heard := d.Heard()
	if len(heard) != 2 || heard[0].From.Addr().String() != "198.51.100.8" || !heard[1].From.Addr().Is6() || heard[0].Port != 51820 || time.Since(heard[0].At) > time.Minute {
		t.Errorf("heard %v, want the latest of each family", heard)
	}
}

func TestEveryoneElseGetsSilence(t *testing.T) {
	var d Door
	if _, ok := d.Answer(request(t, Secret{User: "a"}), phone, 1); ok || d.Waits() {
		t.Error("a door that waits for nobody answers")
	}
	stale := d.Open(everywhere)
	s := d.Open(func(a netip.Addr) bool { return a == phone.Addr() })
	other := s
	other.Password = stale.Password
	good := request(t, s)
	unsigned, _ := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(s.User+":browser"), stun.Fingerprint)
	unprinted, _ := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(s.User+":browser"), stun.NewShortTermIntegrity(s.Password.Reveal()))
	changed := func(at int, to byte) []byte {
		b := bytes.Clone(good)
		b[at] = to
		return b
	}
	for name, c := range map[string]struct {
		packet []byte
		from   netip.AddrPort
	}{
		"a secret of before":      {request(t, stale), phone},
		"a wrong password":        {request(t, other), phone},
		"somebody at home":        {good, netip.MustParseAddrPort("192.168.77.20:5")},
		"no signature":            {unsigned.Raw, phone},
		"no fingerprint":          {unprinted.Raw, phone},
		"another cookie":          {changed(4, 0), phone},
		"a changed byte":          {changed(9, good[9]+1), phone},
		"a response":              {changed(0, 1), phone},
		"a longer one":            {append(bytes.Clone(good), 0, 0, 0, 0), phone},
		"a cut one":               {good[:len(good)-1], phone},
		"something large":         {append(bytes.Clone(good), make([]byte, 600)...), phone},
		"WireGuard's first":       {append([]byte{1, 0, 0, 0}, make([]byte, 144)...), phone},
		"nothing":                 {nil, phone},
		"another user's name":     {request(t, Secret{User: "x" + s.User, Password: s.Password}), phone},
		"a beginning of our name": {request(t, Secret{User: s.User[:4], Password: s.Password}), phone},
	} {
		if _, ok := d.Answer(c.packet, c.from, 1); ok {
			t.Errorf("%s: answered", name)
		}
	}
	if h := d.Heard(); len(h) != 0 {
		t.Errorf("heard %v of them", h)
	}
	if _, ok := d.Answer(good, phone, 1); !ok { // the negative control
		t.Error("the good one is not answered either")
	}
	d.Shut()
	if _, ok := d.Answer(good, phone, 1); ok || d.Waits() {
		t.Error("answered after it was shut")
	}
}

func TestASecretLastsTwoMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d Door
		s := d.Open(everywhere)
		time.Sleep(Lasts - time.Second)
		if _, ok := d.Answer(request(t, s), phone, 1); !ok {
			t.Error("silent before the time is over")
		}
		time.Sleep(2 * time.Second)
		if _, ok := d.Answer(request(t, s), phone, 1); ok || d.Waits() {
			t.Error("it still waits after its time")
		}
	})
}

func TestSignaturesThatAreCheckedAreBounded(t *testing.T) {
	var d Door
	s := d.Open(everywhere)
	forged := request(t, Secret{User: s.User, Password: Secret{}.Password})
	for range most {
		d.Answer(forged, phone, 1)
	}
	if _, ok := d.Answer(request(t, s), phone, 1); ok {
		t.Error("signatures are checked without an end")
	}
}

func TestASecretDoesNotPrint(t *testing.T) {
	s := new(Door).Open(everywhere)
	if s.Password.Reveal() == "" || bytes.Contains([]byte(s.Password.String()), []byte(s.Password.Reveal())) {
		t.Error("the password prints")
	}
}

// FuzzAnswer proves that whatever comes is survived, and never changed by reading it.
func FuzzAnswer(f *testing.F) {
	var d Door
	s := d.Open(everywhere)
	f.Add(request(f, s))
	f.Add([]byte("\x00\x01\x00\x04\x21\x12\xa4\x42............\x00\x08\x00\x00"))                 // a signature of no bytes
	f.Add([]byte("\x00\x01\x00\x08\x21\x12\xa4\x42............\x80\x28\x00\x04\x00\x00\x00\x00")) // a wrong fingerprint
	f.Fuzz(func(t *testing.T, packet []byte) {
		before := bytes.Clone(packet)
		d.Answer(packet, phone, 1)
		if !bytes.Equal(before, packet) {
			t.Errorf("%x became %x", before, packet)
		}
		// The same past the fingerprint and the name, which chance does not find.
		m := stun.New()
		if stun.Decode(packet, m) == nil {
			d.waiting.Load().key.Check(m)
		}
	})
}
