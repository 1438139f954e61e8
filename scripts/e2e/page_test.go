//go:build linux

package e2e

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

const password = "correct horse battery staple"

// claim opens the setup link and sets the password, as a person does.
func (b *browser) claim(link string) {
	b.t.Helper()
	b.do("opening the setup link", chromedp.Navigate(link), chromedp.WaitVisible("#password"))
	b.shot("setup")
	b.do("setting the password", chromedp.SendKeys("#password", password), chromedp.SendKeys("#again", password),
		chromedp.Click("button.main"), chromedp.WaitVisible("#way"))
}

// addDevice names a device and waits for its code.
func (b *browser) addDevice(name string) {
	b.t.Helper()
	b.do("adding a device", chromedp.SendKeys("#name", name), chromedp.Click("#add ~ form button.main"), chromedp.WaitVisible("#code"))
}

// code is the picture that the page shows, as the browser has it.
func (b *browser) code() []byte {
	b.t.Helper()
	data, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`(async () => {
		const blob = await (await fetch(document.getElementById("code").src)).blob();
		return await new Promise((done) => { const r = new FileReader(); r.onload = () => done(r.result); r.readAsDataURL(blob); });
	})()`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("taking the picture of the code: %v", err)
	}
	png, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(data, "data:image/png;base64,"))
	if err != nil {
		b.t.Fatalf("the picture of the code: %v: %.80s", err, data)
	}
	return png
}

// removeDevice removes the device whose page is open, and returns when the browser
// asked for that.
func (b *browser) removeDevice() time.Time {
	b.t.Helper()
	b.do("asking to remove", chromedp.Click("a.danger"), chromedp.WaitVisible("button.danger"))
	b.shot("remove")
	clicked := time.Now()
	b.do("removing", chromedp.Click("button.danger"), chromedp.WaitVisible("#way"))
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.posted.After(clicked) {
		return b.posted
	}
	return clicked
}

// undoRemoval removes the device whose page is open and thinks better of it.
func (b *browser) undoRemoval() {
	b.t.Helper()
	b.do("asking to remove", chromedp.Click("a.danger"), chromedp.WaitVisible("button.danger"), chromedp.Click(`button[name="undo"]`), chromedp.WaitVisible("#way"), chromedp.WaitVisible(".peer .leaves button"))
	b.shot("leaves")
	b.do("undoing it", chromedp.Click(".peer .leaves button"), chromedp.WaitVisible("#code"), chromedp.WaitNotPresent(".leaves"))
}

// waitText waits until the first element of a kind has part in its text,
// without a reload of the page.
func (b *browser) waitText(selector, part string) {
	b.t.Helper()
	b.do("waiting for “"+part+"”", chromedp.Poll[chromedp.Void](`document.querySelector(`+strconv.Quote(selector)+`)?.textContent.includes(`+strconv.Quote(part)+`)`))
}
