//go:build linux

package e2e

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/scripts/labnet"
)

// A house with a thousand devices has a page like any other: it can be used within a
// second, in a real browser.
func TestThePageOfAThousandDevicesIsUsableWithinASecond(t *testing.T) {
	h, page := startPage(t)
	link := h.setupLink()
	page.claim(link)
	// So many need a larger network than homeward's own: that of another server.
	var conf strings.Builder
	key := func() wgtypes.Key {
		k, err := wgtypes.GeneratePrivateKey()
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	fmt.Fprintf(&conf, "[Interface]\nPrivateKey = %s\nAddress = 10.66.0.1/16\nListenPort = 51820\n", key())
	for i := range 1000 {
		fmt.Fprintf(&conf, "\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.66.%d.%d/32\n", key().PublicKey(), 1+i/250, 1+i%250)
	}
	file := filepath.Join(h.lab.Dir, "wg0.conf")
	if err := os.WriteFile(file, []byte(conf.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := h.do("import", file); err != nil {
		t.Fatal(out)
	}
	labnet.Eventually(t, 30*time.Second, "homeward starts again with a thousand devices", func() bool {
		out, err := h.do("peers", "list", "--json")
		return err == nil && strings.Count(out, `"public_key"`) == 1000
	})
	base, _, _ := strings.Cut(link, "/setup")
	page.do("opening the page", chromedp.Navigate(base+"/"), chromedp.WaitVisible(chromedp.CSS(`a[href^="/peers/"]`)))
	// The machine's other work only ever adds: the best of some rounds is the page's own time.
	best := math.Inf(1)
	for round := 0; round < 10 && best > 1000; round++ {
		if round > 0 {
			page.do("opening the page again", chromedp.Reload(), chromedp.WaitVisible(chromedp.CSS(`a[href^="/peers/"]`)))
		}
		took, err := chromedp.Run(page.ctx, chromedp.Evaluate[float64](`performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd`))
		if err != nil || took <= 0 {
			t.Fatalf("usable after %v ms: %v", took, err)
		}
		t.Logf("usable after %.0f ms", took)
		best = min(best, took)
	}
	if best > 1000 {
		t.Errorf("the page can be used after %.0f ms at best, want 1000 at most", best)
	}
}
