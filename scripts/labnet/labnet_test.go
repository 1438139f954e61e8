//go:build linux

package labnet

import (
	"strings"
	"testing"
)

func TestTwoLabsStandSideBySideAndKeepStrangersOut(t *testing.T) {
	a, b := New(t), New(t)
	for _, l := range []*Lab{a, b} {
		l.NAS.Run("upnpc", "-m", "eth0", "-e", "lab", "-a", NAS4, "40000", "40000", "TCP")
		if list := l.Mappings(); len(list) != 1 {
			t.Errorf("the router has %q", list)
		}
		if out, err := l.Phone.Try("ping", "-c", "1", "-W", "1", Share4); err == nil {
			t.Errorf("the phone reaches the LAN without a tunnel:\n%s", out)
		}
		if out := l.Laptop.Run("dig", "+short", ShareName, "A"); strings.TrimSpace(out) != Share4 {
			t.Errorf("the router's DNS says %q", out)
		}
	}
}
