//go:build linux

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"homeward/scripts/labnet"
)

// startPage starts homeward in a lab and opens a browser at home.
func startPage(t *testing.T) (h *homeward, b *browser) {
	t.Helper()
	lab := labnet.New(t)
	h = startHomeward(t, lab, build(t, lab.Dir), true)
	return h, openBrowser(t, lab.Laptop)
}

// look sets the width of the window and the colours that the person prefers.
func (b *browser) look(width int64, scheme string) {
	b.t.Helper()
	b.do("resizing", chromedp.EmulateViewport(width, 900), func(ctx context.Context, _ *chromedp.Target) (v chromedp.Void, err error) {
		_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return v, err
	})
}

func TestThePageFitsPhonesAndScreensInBothLooks(t *testing.T) {
	h, page := startPage(t)
	page.claim(h.setupLink())
	for _, name := range []string{"Anna's phone", "A name of sixty-four characters, which is as long as one may be.", "<b>Bert</b> 📱"} {
		if out, err := h.do("peers", "add", name); err != nil {
			t.Fatal(out)
		}
	}
	for _, args := range [][]string{{"peers", "disable", "3"}, {"ports", "open", "A name of sixty-four characters, which is as long as one may be.", "tcp", "5001-5004", labnet.Share4}} {
		if out, err := h.do(args...); err != nil {
			t.Fatal(out)
		}
	}
	base, err := chromedp.Run(page.ctx, chromedp.Evaluate[string]("location.origin"))
	if err != nil {
		t.Fatal(err)
	}
	grounds := map[string]bool{}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{320, 768, 1280} {
			page.look(width, scheme)
			for name, path := range map[string]string{"home": "/", "welcome": "/welcome", "device": "/peers/2", "test": "/peers/2/test", "remove": "/peers/3/remove", "ports": "/ports", "guide": "/guide?router=huawei", "missing": "/nowhere"} {
				page.do("opening "+path, chromedp.Navigate(base+path), chromedp.WaitVisible("main"))
				page.shot(fmt.Sprintf("%s-%s-%d", name, scheme, width))
				got, err := chromedp.Run(page.ctx, chromedp.Evaluate[[2]int64](`[document.scrollingElement.scrollWidth, innerWidth]`))
				if err != nil {
					t.Fatal(err)
				}
				if got[0] > got[1] {
					t.Errorf("%s, %s, %d wide: the page is %d wide", path, scheme, width, got[0])
				}
			}
		}
		ground, err := chromedp.Run(page.ctx, chromedp.Evaluate[string](`getComputedStyle(document.documentElement).backgroundColor`))
		if err != nil {
			t.Fatal(err)
		}
		grounds[ground] = true
	}
	if len(grounds) != 2 {
		t.Errorf("light and dark have the same ground: %v", grounds)
	}
	page.forget("404") // the page that is missing
	page.checkClean(base)
}

func TestThePageWorksWithoutJavaScript(t *testing.T) {
	h, page := startPage(t)
	page.do("switching scripts off", func(ctx context.Context, _ *chromedp.Target) (v chromedp.Void, err error) {
		_, err = chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return v, err
	})
	page.claim(h.setupLink())
	labnet.Eventually(t, 15*time.Second, "the router has told the address", func() bool {
		out, err := h.do("status")
		return err == nil && strings.Contains(out, "Devices call")
	})
	page.addDevice("Anna's phone")
	page.removeDevice()
	page.checkPorts(h)
	page.do("logging out", chromedp.Click("header button"), chromedp.WaitVisible("#password"))
	page.do("logging in", chromedp.SendKeys("#password", password), chromedp.Click("button.main"), chromedp.WaitVisible("#way"))
}

// checkPorts closes a port that something else opened, and keeps another one open.
func (b *browser) checkPorts(h *homeward) {
	b.t.Helper()
	h.lab.NAS.Run("upnpc", "-m", "eth0", "-e", "torrents", "-a", labnet.NAS4, "6881", "6881", "TCP", "3600")
	b.do("looking at the ports", chromedp.Click(`a[href="/ports"]`), chromedp.WaitVisible(`a[href="/ports/tcp/6881/close"]`))
	b.do("closing a port", chromedp.Click(`a[href="/ports/tcp/6881/close"]`), chromedp.WaitVisible("main button.danger"),
		chromedp.Click("main button.danger"), chromedp.WaitVisible("#kept"), chromedp.WaitNotPresent(`a[href="/ports/tcp/6881/close"]`))
	b.do("opening a port", chromedp.Click("summary"), chromedp.WaitVisible("#forward-name"),
		chromedp.SendKeys("#forward-name", "Web"), chromedp.SendKeys("#forward-external", "8443"), chromedp.SendKeys("#forward-machine", labnet.NAS4),
		chromedp.Click("details button.main"), chromedp.WaitVisible(`form[action="/forwards/1/disable"]`))
	labnet.Eventually(b.t, 10*time.Second, "the router has the port", func() bool {
		return len(h.lab.Mappings()) == 2
	})
	b.do("removing it", chromedp.Click(`form[action="/forwards/1/remove"] button`), chromedp.WaitNotPresent(`form[action="/forwards/1/disable"]`))
	labnet.Eventually(b.t, 10*time.Second, "the router has closed it", func() bool {
		return len(h.lab.Mappings()) == 1
	})
}
