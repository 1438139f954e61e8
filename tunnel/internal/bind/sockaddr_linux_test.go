package bind

import (
	"net/netip"
	"testing"
)

func TestAddressesAreReadAsTheyAreWritten(t *testing.T) {
	for text, size := range map[string]uint32{
		"192.0.2.7:51820": 16, "0.0.0.0:1": 16, "[2001:db8::7]:65535": 28, "[fe80::1%1]:9": 28, "[fe80::1%4294967]:9": 28,
	} {
		want := netip.MustParseAddrPort(text)
		s, n := newSockaddr(want)
		if got := s.addrPort(); got != want || n != size {
			t.Errorf("%s: %v, %d bytes", text, got, n)
		}
	}
	// The interface lo is the first one everywhere.
	named, _ := newSockaddr(netip.MustParseAddrPort("[fe80::1%lo]:9"))
	if got := named.addrPort(); got != netip.MustParseAddrPort("[fe80::1%1]:9") {
		t.Errorf("an address with a named interface is read as %v", got)
	}
	mapped, _ := newSockaddr(netip.MustParseAddrPort("[::ffff:192.0.2.7]:9"))
	if got := mapped.addrPort(); got != netip.MustParseAddrPort("192.0.2.7:9") {
		t.Errorf("a mapped address is read as %v", got)
	}
	if got := new(sockaddr).addrPort(); got.IsValid() {
		t.Errorf("no address is read as %v", got)
	}
}
