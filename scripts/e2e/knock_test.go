//go:build linux

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"homeward/scripts/labnet"
)

var junkFromInside = regexp.MustCompile(`\(inside the house\), .*junk \d`)

// A phone opens the page in its Wi-Fi, begins to knock, leaves the Wi-Fi and sees
// that the port answers, although the page cannot reach the box any more.
func TestABrowserKnocksFromTheMobileNetwork(t *testing.T) {
	bin := build(t, t.TempDir())
	for name, c := range map[string]struct {
		rootless     bool
		more         []string
		scheme, from string
	}{
		"netstack, TLS, IPv6":   {true, nil, "https", labnet.Phone6},
		"tun, plain HTTP, IPv4": {false, []string{"--plain-http"}, "http", labnet.Phone4},
	} {
		t.Run(name, func(t *testing.T) {
			lab := labnet.New(t)
			turnRound(lab) // so that knocks reach the box from inside, too
			wifi(lab)
			h := &homeward{t: t, lab: lab, bin: bin, dir: filepath.Join(lab.Dir, "home")}
			serve := append([]string{"serve", "--state", h.state(), "--config", os.DevNull}, c.more...)
			h.Process = lab.NAS.Start(lab.NAS.CommandAs(context.Background(), c.rootless, h.dir, h.bin, serve...))
			labnet.Eventually(t, 15*time.Second, "the router has told the address", func() bool {
				out, err := h.do("status")
				return err == nil && strings.Contains(out, "Devices call")
			})
			var link string
			labnet.Eventually(t, 15*time.Second, "the setup link is printed", func() bool {
				out, err := h.do("admin", "setup-link")
				for f := range strings.FieldsSeq(out) {
					if err == nil && strings.HasPrefix(f, c.scheme+"://") {
						link = f
					}
				}
				return link != ""
			})
			page := openBrowser(t, lab.Phone)
			page.claim(link)
			page.do("beginning to knock", chromedp.Evaluate[chromedp.Void](`location.href = "/knock"`), chromedp.WaitVisible(`form[action="/knock"] button`),
				chromedp.Click(`form[action="/knock"] button`), chromedp.WaitVisible("[data-shown=waiting]"))
			page.shot("waiting")

			// Its knocks turn round in the router and come in, and get no answer.
			labnet.Eventually(t, 20*time.Second, "knocks from inside reach the port", func() bool {
				out, err := h.do("doctor", "--full")
				return err == nil && junkFromInside.MatchString(out)
			})
			page.do("knocking at home", chromedp.WaitVisible("[data-shown=waiting]"))
			if out, err := h.do("status"); err != nil || strings.Contains(out, "browser reached the port") {
				t.Errorf("a knock from inside counts as proof: %v\n%s", err, out)
			}

			leaveWiFi(lab, c.from == labnet.Phone6)
			left := time.Now()
			page.do("knocking from outside", chromedp.WaitVisible("[data-shown=works]"))
			took := time.Since(left)
			page.shot("works")
			out, err := h.do("status")
			if err != nil || !strings.Contains(out, "A phone's browser reached the port from "+c.from) {
				t.Errorf("the box does not tell of it: %v\n%s", err, out)
			}
			t.Logf("seen on the phone %v after it left the Wi-Fi", took.Round(100*time.Millisecond))
		})
	}
}

// wifi gives the phone a second network: the one at home, which it prefers.
func wifi(lab *labnet.Lab) {
	lab.Veth(lab.Router, "wifi0", nil, lab.Phone, "wlan0", []string{"192.168.77.50/24", "2a01:5ead:77::50/64"})
	lab.Router.Run("ip", "link", "set", "wifi0", "master", "lan0")
	for _, family := range []struct{ flag, mobile, home string }{{"-4", "81.2.70.1", labnet.RouterLAN}, {"-6", "2a01:5ead:70::1", labnet.RouterLAN6}} {
		lab.Phone.Run("ip", family.flag, "route", "replace", "default", "via", family.home, "dev", "wlan0", "metric", "100")
		lab.Phone.Run("ip", family.flag, "route", "del", "default", "via", family.mobile)
		lab.Phone.Run("ip", family.flag, "route", "add", "default", "via", family.mobile, "dev", "eth0", "metric", "600")
	}
}

// leaveWiFi is what happens when the Wi-Fi is switched off. The mobile network has one
// family.
func leaveWiFi(lab *labnet.Lab, six bool) {
	other := map[bool]string{true: "-4", false: "-6"}[six]
	lab.Phone.Run("ip", other, "route", "del", "default", "dev", "eth0")
	lab.Phone.Run("ip", "link", "del", "wlan0")
}
