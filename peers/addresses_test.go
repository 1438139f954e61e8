package peers

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

// slowLowest writes down every address of the prefix, strikes out what may not
// be given and takes the least that is left.
func slowLowest(own netip.Prefix, taken map[netip.Addr]bool) (netip.Addr, bool) {
	var all []netip.Addr
	for a := own.Masked().Addr(); own.Contains(a); a = a.Next() {
		all = append(all, a)
	}
	all = all[1:]
	if own.Addr().Is4() && len(all) > 0 {
		all = all[:len(all)-1]
	}
	all = slices.DeleteFunc(all, func(a netip.Addr) bool { return taken[a] || a == own.Addr() })
	if len(all) == 0 {
		return netip.Addr{}, false
	}
	return slices.MinFunc(all, netip.Addr.Compare), true
}

func TestAllocatorAgreesWithSlowModel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, own := range []string{
		"10.6.0.1/24", "10.6.0.254/24", "10.6.0.9/28", "10.6.0.1/30", "10.6.0.0/31", "10.6.0.0/32", "255.255.255.249/29",
		"fd00:6::1/120", "fd00:6::/124", "fd00:6::1/126", "fd00:6::1/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff1/124",
	} {
		prefix := netip.MustParsePrefix(own)
		taken := make(map[netip.Addr]bool)
		for step := range 600 {
			want, wantOK := slowLowest(prefix, taken)
			got, err := allocate([]netip.Prefix{prefix}, taken)
			if !wantOK {
				if !errors.Is(err, ErrNoAddress) {
					t.Fatalf("%s step %d: error = %v, want ErrNoAddress", own, step, err)
				}
			} else if err != nil || got[0] != want {
				t.Fatalf("%s step %d: got %v, %v; want %v", own, step, got, err, want)
			}
			if wantOK && random.IntN(4) > 0 {
				taken[want] = true
				continue
			}
			for a := range taken { // one device leaves
				delete(taken, a)
				break
			}
		}
	}
}

func TestAllocateTakesOneOfEachPrefixWithIPv4First(t *testing.T) {
	tunnel := []netip.Prefix{netip.MustParsePrefix("fd00:6::1/64"), netip.MustParsePrefix("10.6.0.1/24")}
	got, err := allocate(tunnel, nil)
	want := []netip.Addr{netip.MustParseAddr("10.6.0.2"), netip.MustParseAddr("fd00:6::2")}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestAllocateNeedsAValidPrefix(t *testing.T) {
	for _, tunnel := range [][]netip.Prefix{nil, {{}}} {
		if got, err := allocate(tunnel, nil); err == nil {
			t.Errorf("allocate(%v) = %v, want an error", tunnel, got)
		}
	}
}
