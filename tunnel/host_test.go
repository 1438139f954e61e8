package tunnel

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"homeward/tunnel/internal/filter"
)

func TestInterfacesAreReadWhenTheAddressesChanged(t *testing.T) {
	broken := errors.New("no")
	var addrs []net.Addr
	var listFails, readFails error
	reads := 0
	add := func(text string) {
		a, n, err := net.ParseCIDR(text)
		if err != nil {
			t.Fatal(err)
		}
		addrs = append(addrs, &net.IPNet{IP: a, Mask: n.Mask})
	}
	r := &hostReader{
		list: func() ([]net.Addr, error) { return addrs, listFails },
		read: func() (filter.Host, error) {
			reads++
			var h filter.Host
			for _, a := range addrs {
				h.Addresses = append(h.Addresses, netip.MustParsePrefix(a.String()))
			}
			return h, readFails
		},
	}
	look := func(what string, wantReads, wantAddresses int, wantErr error) {
		t.Helper()
		h, err := r.look()
		if !errors.Is(err, wantErr) || reads != wantReads || wantErr == nil && len(h.Addresses) != wantAddresses {
			t.Errorf("%s: read %d times, want %d; %v, %v", what, reads, wantReads, h.Addresses, err)
		}
	}
	look("without any address", 1, 0, nil)
	look("still", 1, 0, nil)
	add("10.0.0.1/24")
	readFails = broken
	look("with one that cannot be read", 2, 0, broken)
	readFails = nil
	look("tried again", 3, 1, nil)
	look("nothing new", 3, 1, nil)
	listFails = broken
	look("the list cannot be read", 3, 0, broken)
	listFails = nil
	add("fd00::1/64")
	look("another", 4, 2, nil)
	addrs[1] = &net.IPNet{IP: net.ParseIP("fd00::1"), Mask: net.CIDRMask(80, 128)}
	look("with another length", 5, 2, nil)
	for range hostWhole - 1 {
		look("nothing new", 5, 2, nil)
	}
	look("after a while, all the same", 6, 2, nil)
}

func TestTheBoxsOwnAddressesAreRead(t *testing.T) {
	h, err := newHostReader().look()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range h.Addresses {
		if p.Addr().IsLoopback() {
			return
		}
	}
	t.Errorf("no loopback address among %v", h.Addresses)
}
