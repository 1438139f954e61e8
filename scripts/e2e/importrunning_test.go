//go:build linux

package e2e

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"homeward/scripts/labnet"
	"homeward/web/api"
)

// TestAServerThatRunsHereIsTakenOverOnThePage does it as a person does who has the old
// server and homeward on the same box, without any file.
func TestAServerThatRunsHereIsTakenOverOnThePage(t *testing.T) {
	labnet.NeedPrograms(t, "wireguard-go:wireguard-go", "wg:wireguard-tools")
	lab := labnet.New(t, labnet.Options{NoNATPMP: true})
	lab.Share.ServeHTTP(":80", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, fileOfTheHouse) }))
	h := startHomeward(t, lab, build(t, lab.Dir), false)
	link := h.setupLink()
	page := openBrowser(t, lab.Laptop)
	page.claim(link)
	base := strings.Split(link, "/setup")[0]
	page.do("coming from another server while none runs", chromedp.Navigate(base+"/import"), chromedp.WaitVisible("#file"))
	if body := page.body(); strings.Contains(body, "runs on this box") || strings.Contains(body, "homeward0") {
		t.Errorf("without one, the page says\n%s", body)
	}
	if out, err := lab.NAS.Try("wg", "show", "homeward0", "listen-port"); err != nil { // the control: there is one that is left out
		t.Errorf("homeward's own interface cannot be seen: %s", out)
	}
	old := startOldServer(t, lab)
	checkAPI(t, h, old)

	page.look(widths[0], "light")
	page.do("looking for one that runs", chromedp.Navigate(base+"/import"), chromedp.WaitVisible("#running"))
	page.waitText("#running + div", "As a program, UDP port 51999, 1 device")
	page.seeEveryLook("import-running")
	for _, tag := range []string{"de", "ru", "es", "en"} {
		page.do("choosing "+tag, chromedp.Navigate(base+"/settings"), chromedp.SetValue("#language", tag), chromedp.Click(`form[action="/look"] button`), chromedp.WaitVisible(`html[lang="`+tag+`"]`),
			chromedp.Navigate(base+"/import"), chromedp.WaitVisible("#running"))
		page.checkWidth("import-running-" + tag)
	}
	page.do("reading it, by the keyboard", chromedp.Focus(`button[name="interface"]`), chromedp.KeyEvent("\r"), chromedp.WaitVisible("#stays"))
	page.waitText(`form[action="/import/take"]`, "wg-quick@"+old.device)
	page.checkNeverShown(old)
	page.seeEveryLook("import-running-found")
	take := chromedp.Click(`form[action="/import/take"] button`)
	page.do("taking it over while it runs", take, chromedp.WaitVisible(`[role="alert"] .problem`))
	page.waitText(`[role="alert"]`, "UDP port 51999 is in use")
	page.seeEveryLook("import-running-busy")
	old.stop()
	begun := time.Now()
	page.do("taking it over once it is stopped", take, chromedp.WaitVisible(`main a.main[href="/"]`))
	page.forget("409")
	page.checkClean(base)
	old.comesHome(begun)
	if out := h.Output(); strings.Contains(out, old.server.String()) || strings.Contains(out, old.psk.String()) {
		t.Error("a key of the old server is in the log")
	}
}

// checkNeverShown fails the test when the page that is open has a secret of the server.
// That it has the public key shows that it is the page about it.
func (b *browser) checkNeverShown(old *oldServer) {
	b.t.Helper()
	page, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.documentElement.outerHTML`))
	public := old.server.PublicKey()
	if err != nil || !spelled(page, public[:]) {
		b.t.Errorf("the public key is not on the page: the check looks at nothing (%v)", err)
	}
	for _, secret := range [][]byte{old.server[:], old.psk[:]} {
		if spelled(page, secret) {
			b.t.Error("a secret of the old server is on the page")
		}
	}
}

// checkAPI sees that a program is told of the old server, and no key, and can look at it.
func checkAPI(t *testing.T, h *homeward, old *oldServer) {
	t.Helper()
	socket := filepath.Join(h.state(), "homeward.sock")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	r, err := client.Get("http://homeward/api/v1/import/interfaces")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if want := `{"interfaces":[{"name":"` + old.device + `","kind":"userspace","port":51999,"devices":1,"readable":true}]}`; err != nil || strings.TrimSpace(string(body)) != want {
		t.Errorf("programs are told %s (%v), want %s", body, err, want)
	}
	found, err := api.NewClient(socket).Import(t.Context(), api.ImportWanted{Interface: old.device, DryRun: true})
	if err != nil || found.Port != 51999 || found.PublicKey != old.server.PublicKey().String() || len(found.Devices) != 1 {
		t.Errorf("looking at it: %+v, %v", found, err)
	}
	var problem *api.Problem
	if _, err := api.NewClient(socket).Import(t.Context(), api.ImportWanted{Interface: "homeward0"}); !errors.As(err, &problem) || problem.Status != http.StatusNotFound || problem.Field != "interface" {
		t.Errorf("homeward's own interface: %v", err)
	}
}

// checkNotAllowed sees that a rootless homeward says what to do about a server that it
// cannot read.
func checkNotAllowed(t *testing.T, h *homeward, old *oldServer) {
	t.Helper()
	link := h.setupLink()
	page := openBrowser(t, h.lab.Laptop)
	page.claim(link)
	page.look(widths[0], "light")
	base := strings.Split(link, "/setup")[0]
	page.do("coming from another server", chromedp.Navigate(base+"/import"), chromedp.WaitVisible("#running"))
	page.waitText("#running + div", "run sudo homeward import "+old.device)
	page.do("finding no button for it", chromedp.WaitNotPresent(`button[name="interface"]`), chromedp.WaitVisible("#file"))
	page.seeEveryLook("import-not-allowed")
	page.checkClean(base)
	page.do("leaving", chromedp.Navigate("about:blank"))
}
