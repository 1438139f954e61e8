package netstack

import (
	"errors"
	"net/netip"
	"testing"
	"time"
)

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func testPolicy() *policy {
	p := newPolicy(prefixes("10.66.0.1/24", "fd66::1/64"))
	p.host = func() ([]netip.Prefix, error) {
		return prefixes("127.0.0.1/8", "192.168.7.10/24", "203.0.113.4/32", "172.17.0.1/16", "2001:db8:7::10/64", "fe80::10/64"), nil
	}
	return p
}

func TestWhatIsDialable(t *testing.T) {
	p := testPolicy()
	for _, c := range []struct {
		name, addr string
		want       bool
	}{
		{"a LAN host", "192.168.7.20", true},
		{"the router", "192.168.7.1", true},
		{"the internet", "198.51.100.9", true},
		{"carrier-grade NAT", "100.64.0.9", true},
		{"a LAN host, IPv6", "2001:db8:7::20", true},
		{"a ULA host", "fd00:1::5", true},
		{"a public address behind NAT64", "64:ff9b::198.51.100.9", true},

		{"unspecified", "0.0.0.0", false},
		{"this network", "0.1.2.3", false},
		{"loopback", "127.0.0.1", false},
		{"all of loopback", "127.200.1.1", false},
		{"link-local", "169.254.3.4", false},
		{"metadata", "169.254.169.254", false},
		{"metadata of another cloud", "168.63.129.16", false},
		{"metadata of a third cloud", "100.100.100.200", false},
		{"multicast", "224.0.0.251", false},
		{"broadcast", "255.255.255.255", false},
		{"reserved", "250.0.0.1", false},
		{"the box", "192.168.7.10", false},
		{"the box's second address", "203.0.113.4", false},
		{"the box's container bridge", "172.17.0.1", false},
		{"the LAN's broadcast", "192.168.7.255", false},
		{"the LAN's old broadcast", "192.168.7.0", false},
		{"the bridge's broadcast", "172.17.255.255", false},
		{"our own tunnel address", "10.66.0.1", false},
		{"another peer", "10.66.0.77", false},

		{"unspecified, IPv6", "::", false},
		{"loopback, IPv6", "::1", false},
		{"link-local, IPv6", "fe80::5", false},
		{"site-local, IPv6", "fec0::5", false},
		{"multicast, IPv6", "ff02::fb", false},
		{"metadata, IPv6", "fd00:ec2::254", false},
		{"the box, IPv6", "2001:db8:7::10", false},
		{"another peer, IPv6", "fd66::77", false},

		{"mapped loopback", "::ffff:127.0.0.1", false},
		{"mapped LAN host: not an address of a packet", "::ffff:192.168.7.20", false},
		{"IPv4-compatible", "::192.168.7.20", false},
		{"IPv4-translated", "::ffff:0:127.0.0.1", false},
		{"loopback by NAT64", "64:ff9b::127.0.0.1", false},
		{"the box by NAT64", "64:ff9b::192.168.7.10", false},
		{"a peer by NAT64", "64:ff9b::10.66.0.77", false},
		{"metadata by NAT64", "64:ff9b::169.254.169.254", false},
		{"local-use NAT64", "64:ff9b:1::198.51.100.9", false},
		{"loopback by 6to4", "2002:7f00:1::1", false},
		{"the box by 6to4", "2002:c0a8:70a::1", false},
		{"elsewhere by 6to4", "2002:c633:6409::1", true},
		{"loopback as a Teredo client", "2001:0:c633:6409:0:ffff:80ff:fffe", false},
		{"a Teredo server that is the box", "2001:0:c0a8:70a:0:ffff:39cc:9bf6", false},
		{"elsewhere by Teredo", "2001:0:c633:6409:0:ffff:39cc:9bf6", true},
		{"loopback by ISATAP", "2001:db8:9::5efe:127.0.0.1", false},
		{"loopback by global ISATAP", "2001:db8:9::200:5efe:127.0.0.1", false},
		{"with a zone", "2001:db8:7::20%eth0", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := p.dialable(netip.MustParseAddr(c.addr))
			if (err == nil) != c.want {
				t.Errorf("dialable(%s) = %v, want allowed: %t", c.addr, err, c.want)
			}
			if err != nil && !errors.Is(err, errNotDialable) {
				t.Errorf("%v is not errNotDialable", err)
			}
		})
	}
}

func TestHostAddressesAreReadAgain(t *testing.T) {
	p := testPolicy()
	now := time.Now()
	p.now = func() time.Time { return now }
	fresh := netip.MustParseAddr("192.168.9.9")
	if err := p.dialable(fresh); err != nil {
		t.Fatal(err)
	}
	p.host = func() ([]netip.Prefix, error) { return prefixes("192.168.9.9/24"), nil }
	now = now.Add(ownAddressesAge)
	if p.dialable(fresh) == nil {
		t.Error("an address that the host got by now is dialable")
	}
}

func TestNothingIsDialableWithoutTheHostsAddresses(t *testing.T) {
	p := testPolicy()
	good := p.host
	now := time.Now()
	p.now = func() time.Time { return now }
	p.host = func() ([]netip.Prefix, error) { return nil, errors.New("no netlink") }
	lan := netip.MustParseAddr("192.168.7.20")
	if p.dialable(lan) == nil {
		t.Error("dialable although the host's addresses were never read")
	}
	now = now.Add(ownAddressesAge)
	p.host = good
	if err := p.dialable(lan); err != nil {
		t.Errorf("still refused: %v", err)
	}
	now = now.Add(ownAddressesAge)
	p.host = func() ([]netip.Prefix, error) { return nil, errors.New("no netlink") }
	if err := p.dialable(lan); err != nil {
		t.Errorf("the last reading does not count: %v", err)
	}
}

func TestThisHostsAddressesAreNotDialable(t *testing.T) {
	own, err := interfacePrefixes()
	if err != nil || len(own) == 0 {
		t.Fatalf("this host's addresses are not known: %v, %v", own, err)
	}
	p := newPolicy(nil)
	for _, o := range own {
		if p.dialable(o.Addr()) == nil {
			t.Errorf("%v is dialable", o.Addr())
		}
	}
}
