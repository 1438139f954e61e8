//go:build linux

package e2e

import (
	"context"
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
	link := h.setupLink()
	page.checkGap(link)
	page.claim(link)
	page.do("beginning a second step", chromedp.Navigate(strings.Split(link, "/setup")[0]+"/account"), chromedp.SendKeys("#second-old", password),
		chromedp.Click(`form[action="/account/second"] button`), chromedp.WaitVisible("#secret"))
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
	page.do("leaving, since nobody answers for a while", chromedp.Navigate("about:blank"))
	h.livePast(true, 2)
	for _, id := range []string{"1", "2"} { // their codes were forgotten
		if out, err := h.do("peers", "rotate", id); err != nil {
			t.Fatal(out)
		}
	}
	pages := map[string]string{"home": "/", "welcome": "/welcome", "device": "/peers/2", "edit": "/peers/2/edit", "test": "/peers/2/test", "remove": "/peers/3/remove",
		"ports": "/ports", "guide": "/guide?router=huawei", "knock": "/knock", "settings": "/settings", "renumber": "/renumber", "backup": "/backup", "account": "/account", "second": "/account/second", "tokens": "/account/tokens", "log": "/log", "missing": "/nowhere"}
	grounds := map[string]bool{}
	page.visit(base, pages, func(name string) {
		if strings.Contains(name, "-light-") { // the look changes no sizes
			page.checkWeight(name)
		}
		page.checkWidth(name)
		page.checkAccess(name)
		ground, err := chromedp.Run(page.ctx, chromedp.Evaluate[string](`getComputedStyle(document.documentElement).backgroundColor`))
		if err != nil {
			t.Fatal(err)
		}
		grounds[ground] = true
	})
	if len(grounds) != 2 {
		t.Errorf("light and dark have the same ground: %v", grounds)
	}
	// Words are longer in other languages: the pages fit a small phone in all.
	page.look(widths[0], "light")
	for _, tag := range []string{"de", "ru", "es"} {
		page.do("choosing "+tag, chromedp.Navigate(base+"/settings"), chromedp.SetValue("#language", tag), chromedp.Click(`form[action="/look"] button`), chromedp.WaitVisible(`html[lang="`+tag+`"]`))
		for name, path := range pages {
			page.do("opening "+path, chromedp.Navigate(base+path), chromedp.WaitVisible("main"))
			page.checkWidth(name + "-" + tag)
		}
	}
	page.checkSecondStep(base)
	page.checkPaper(base + "/peers/1")
	page.checkAccessSees()
	page.checkPagesWithoutLogin(h, base)
	page.forget("404") // the page that is missing
	page.checkClean(base)
}

// checkPagesWithoutLogin looks at what people see who have no password, in the
// language with the longest words.
func (b *browser) checkPagesWithoutLogin(h *homeward, base string) {
	b.t.Helper()
	link := h.invite("Anna's phone")
	b.do("logging out", chromedp.Navigate(base+"/"), chromedp.WaitVisible("#way"), chromedp.Click(`form[action="/logout"] button`), chromedp.WaitVisible("#password"),
		chromedp.Click(`button[value="de"]`), chromedp.WaitVisible(`html[lang="de"]`))
	see := func(name string) {
		b.checkWidth(name)
		b.checkAccess(name)
	}
	b.visit(base, map[string]string{"login": "/login", "claimed": "/setup", "invite": link}, see)
	var handover string
	b.do("opening the invite", chromedp.Navigate(base+link), chromedp.Click("main button.main"), chromedp.WaitVisible("#here"))
	var err error
	if handover, err = chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.pathname")); err != nil {
		b.t.Fatal(err)
	}
	b.visit(base, map[string]string{"handover": handover}, see)
	b.makeKeyHere(h, base)
	b.lackKeys(h, base)
}

// checkGap fails the test when the cards of the setup page touch one another.
func (b *browser) checkGap(link string) {
	b.t.Helper()
	b.do("opening the setup link", chromedp.Navigate(link), chromedp.WaitVisible("#password"))
	gap, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](`document.querySelector("main details.card").getBoundingClientRect().top - document.querySelector("main form.card").getBoundingClientRect().bottom`))
	if err != nil || gap < 8 {
		b.t.Errorf("%v pixels between the cards of the setup page (%v)", gap, err)
	}
}

// checkWidth fails the test for a page that is wider than the window.
func (b *browser) checkWidth(name string) {
	b.t.Helper()
	b.shot(name)
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[[2]int64](`[document.scrollingElement.scrollWidth, innerWidth]`))
	if err != nil {
		b.t.Fatal(err)
	}
	if got[0] > got[1] {
		b.t.Errorf("%s: the page is %d wide and the window %d", name, got[0], got[1])
	}
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
	page.undoRemoval()
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
