//go:build linux

package reliability

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// Many lines take less than Ethernet, and many providers drop the message that would
// say so. What is large must arrive all the same.
func TestLargePacketsPassNarrowLines(t *testing.T) {
	bin := buildHomeward(t)
	for plane, rootless := range map[string]bool{"tun": false, "netstack": true} {
		t.Run(plane, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, bin, rootless, labnet.Options{})
			file := filepath.Join(t.TempDir(), "large")
			if err := os.WriteFile(file, large, 0o644); err != nil {
				t.Fatal(err)
			}
			// As phones' own programs do, and other than the one that plays the phone here.
			h.Phone.Sysctl("net.ipv4.ip_no_pmtu_disc", "1")
			h.ISP.Run("nft", "add table inet silent")
			h.ISP.Run("nft", "add chain inet silent out { type filter hook output priority 0; }")
			h.ISP.Run("nft", "add rule inet silent out icmp type destination-unreachable drop")
			h.ISP.Run("nft", "add rule inet silent out icmpv6 type packet-too-big drop")
			for _, mtu := range []int{1492, 1400, 1280} {
				h.narrow(mtu)
				h.checkNarrow(mtu)
				if _, served := h.comesIn(); !served {
					t.Fatalf("with an MTU of %d the phone does not come in at all", mtu)
				}
				begun := time.Now()
				for what, args := range map[string][]string{
					"down": {"http://" + h.share + "/large"},
					"up":   {"--data-binary", "@" + file, "http://" + h.share + "/"},
				} {
					out, err := h.Phone.Command(t.Context(), "curl", append([]string{"-s", "--max-time", "8"}, args...)...).Output()
					if err != nil || !bytes.Equal(out, large) {
						t.Errorf("with an MTU of %d, %s: %d of %d bytes (%v)", mtu, what, len(out), len(large), err)
					}
				}
				// A packet alone is sent in another way than many at once.
				if out, err := h.Phone.Try("ping", "-c1", "-W2", "-s", "1384", h.share); err != nil {
					t.Errorf("with an MTU of %d, a large ping: %s", mtu, out)
				}
				t.Logf("MTU %d: %d bytes down and up in %v", mtu, len(large), time.Since(begun).Round(time.Millisecond))
			}
		})
	}
}

// narrow makes the provider's network take packets of mtu bytes at most.
func (h *home) narrow(mtu int) {
	for _, r := range [][]string{
		{"-4", "81.2.70.0/24", "dev", "mobile0"}, {"-4", "81.2.69.0/24", "dev", "homes0"},
		{"-6", "2a01:5ead:70::/64", "dev", "mobile0"}, {"-6", "2a01:5ead:69::/64", "dev", "homes0"},
	} {
		h.ISP.Run("ip", append([]string{r[0], "route", "replace"}, append(r[1:], "mtu", "lock", fmt.Sprint(mtu))...)...)
	}
}

// checkNarrow is the negative control: one byte more, that must not be cut, is lost.
func (h *home) checkNarrow(mtu int) {
	h.Helper()
	// What has the tunnel's own mark goes beside it.
	mark, err := strconv.ParseInt(strings.TrimSpace(h.Phone.Run("wg", "show", h.ID, "fwmark")), 0, 32)
	if err != nil {
		h.Fatal(err)
	}
	ping := func(size int) error {
		_, err := h.Phone.Try("ping", "-c1", "-W1", "-m", fmt.Sprint(mark), "-M", "do", "-s", fmt.Sprint(size-28), labnet.RouterWAN)
		return err
	}
	if err := ping(mtu); err != nil {
		h.Fatal(err)
	}
	if ping(mtu+1) == nil {
		h.Fatalf("the line takes more than %d bytes: this proves nothing", mtu)
	}
}
