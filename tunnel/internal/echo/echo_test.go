package echo

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v3"
)

var (
	server = netip.MustParseAddrPort("192.0.2.1:3478")
	seen   = netip.MustParseAddrPort("81.2.69.2:41234")
)

// built makes an answer to a question.
func built(t *testing.T, question []byte, setters ...stun.Setter) []byte {
	t.Helper()
	m := stun.New()
	if err := stun.Decode(question, m); err != nil {
		t.Fatalf("the question is none: %v", err)
	}
	out, err := stun.Build(append([]stun.Setter{m}, setters...)...)
	if err != nil {
		t.Fatal(err)
	}
	return out.Raw
}

func mapped(at netip.AddrPort) stun.Setter {
	return &stun.XORMappedAddress{IP: net.IP(at.Addr().AsSlice()), Port: int(at.Port())}
}

func TestTheAnswerOfWhomWasAskedCounts(t *testing.T) {
	other := netip.MustParseAddrPort("192.0.2.9:3478")
	six := netip.MustParseAddrPort("[2a01:5ead::1]:7")
	for name, tt := range map[string]struct {
		answer func(question []byte) []byte
		from   netip.AddrPort
		taken  bool
		want   netip.AddrPort
		err    error
	}{
		"an address":      {func(q []byte) []byte { return built(t, q, stun.BindingSuccess, mapped(seen), stun.Fingerprint) }, server, true, seen, nil},
		"an IPv6 address": {func(q []byte) []byte { return built(t, q, stun.BindingSuccess, mapped(six)) }, server, true, six, nil},
		"no address":      {func(q []byte) []byte { return built(t, q, stun.BindingSuccess) }, server, true, netip.AddrPort{}, ErrRefused},
		"port 0": {func(q []byte) []byte {
			return built(t, q, stun.BindingSuccess, mapped(netip.AddrPortFrom(seen.Addr(), 0)))
		}, server, true, netip.AddrPort{}, ErrRefused},
		"a refusal":           {func(q []byte) []byte { return built(t, q, stun.BindingError, stun.CodeBadRequest) }, server, true, netip.AddrPort{}, ErrRefused},
		"of another host":     {func(q []byte) []byte { return built(t, q, stun.BindingSuccess, mapped(seen)) }, other, false, netip.AddrPort{}, ErrSilent},
		"with another number": {func(q []byte) []byte { a := built(t, q, stun.BindingSuccess, mapped(seen)); a[8]++; return a }, server, false, netip.AddrPort{}, ErrSilent},
		"cut off":             {func(q []byte) []byte { return built(t, q, stun.BindingSuccess, mapped(seen))[:19] }, server, false, netip.AddrPort{}, ErrSilent},
		"our own question":    {func(q []byte) []byte { return q }, server, false, netip.AddrPort{}, ErrSilent},
		"of WireGuard":        {func(q []byte) []byte { b := make([]byte, 148); b[0] = 1; copy(b[4:], q[4:20]); return b }, server, false, netip.AddrPort{}, ErrSilent},
		"nothing":             {func([]byte) []byte { return nil }, server, false, netip.AddrPort{}, ErrSilent},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var a Asker
				begun, sent := time.Now(), 0
				got, err := a.Ask(t.Context(), server, func(q []byte) error {
					sent++
					if !a.Waits() {
						t.Error("it does not wait for the answer")
					}
					if taken := a.Take(tt.answer(slices.Clone(q)), tt.from); taken != tt.taken {
						t.Errorf("taken: %t", taken)
					}
					return nil
				})
				if got != tt.want || !errors.Is(err, tt.err) {
					t.Errorf("%v, %v", got, err)
				}
				if a.Waits() || len(a.pending) > 0 {
					t.Error("it waits for ever")
				}
				if took := time.Since(begun); tt.err == ErrSilent && (sent != len(pauses) || took > 4*time.Second) {
					t.Errorf("sent %d times within %v", sent, took)
				}
			})
		})
	}
}

func FuzzTake(f *testing.F) {
	f.Add([]byte("\x01\x01\x00\x0c\x21\x12\xa4\x42012345678901\x00\x20\x00\x08\x00\x01\xa1\x47\x70\x10\xe1\x40")) // an answer with an address
	f.Add([]byte("\x01\x11\x00\x00\x21\x12\xa4\x42012345678901"))                                                 // a refusal
	f.Add([]byte("\x01\x01\xff\xff\x21\x12\xa4\x42012345678901"))                                                 // longer than it is
	f.Fuzz(func(t *testing.T, packet []byte) {
		a := Asker{}
		q := question{server, make(chan answer, 1)}
		a.add([12]byte([]byte("012345678901")), q)
		if a.Take(packet, server) != (len(q.answer) == 1) {
			t.Error("it is taken without an answer, or the other way round")
		}
	})
}
