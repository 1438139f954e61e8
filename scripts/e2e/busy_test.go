//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/chromedp"

	"homeward/scripts/labnet"
)

// checkBusy downloads a backup whose answer is held back, and sends a form whose next
// page never comes: the pressed buttons say that work is under way, and are as before
// when it is over.
func (b *browser) checkBusy(base string) {
	b.t.Helper()
	saved := b.saveFiles()
	const button = `form[action="/backup/download"] button`
	b.do("downloading a backup", chromedp.Navigate(base+"/backup"), chromedp.WaitVisible("#passphrase"),
		chromedp.Evaluate[chromedp.Void](`const real = fetch; window.asked = 0; window.fetch = (...of) => (asked++, new Promise((go) => { window.answer = () => go(real(...of)); }))`),
		chromedp.SendKeys("#passphrase", password), chromedp.SendKeys("#again", password), chromedp.Click(button), chromedp.WaitVisible(button+"[aria-disabled=true]"))
	b.waitText(button, "Working on it")
	b.waitText("[role=status][data-busy]", "Working on it")
	b.do("pressing it again", chromedp.Click(button))
	if n, err := chromedp.Run(b.ctx, chromedp.Evaluate[int]("asked")); err != nil || n != 1 {
		b.t.Errorf("a backup was asked for %d times by two presses (%v)", n, err)
	}
	for _, scheme := range []string{"dark", "light"} {
		b.look(widths[0], scheme)
		b.checkWidth("busy-" + scheme)
		b.checkAccess("busy-" + scheme)
	}
	b.do("getting the answer", chromedp.Evaluate[chromedp.Void]("answer()"), chromedp.WaitNotPresent(button+"[aria-disabled]"))
	b.waitText(button, "Download")
	labnet.Eventually(b.t, time.Minute, "the backup is saved", func() bool {
		files, _ := filepath.Glob(filepath.Join(saved, "*.backup"))
		if len(files) != 1 {
			return false
		}
		sealed, err := os.ReadFile(files[0])
		return err == nil && strings.HasPrefix(string(sealed), "age-encryption.org/")
	})
	b.checkRefusedFile(button)

	const code = `form[action="/backup/recovery-code"] button`
	b.do("sending a form", chromedp.Evaluate[chromedp.Void](`document.querySelector('`+code+`').form.dispatchEvent(new SubmitEvent("submit", {bubbles: true, cancelable: true, submitter: document.querySelector('`+code+`')}))`),
		chromedp.WaitVisible(code+"[aria-disabled=true]"))
	b.do("coming back to the page", chromedp.Evaluate[chromedp.Void](`dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true}))`), chromedp.WaitNotPresent(code+"[aria-disabled]"))
}

// checkRefusedFile has a passphrase refused, by the script that fetches the backup: the
// form is sent once, and what is wrong is said beside the field, where the typing goes on.
func (b *browser) checkRefusedFile(button string) {
	b.t.Helper()
	b.do("sending a passphrase that is too short", chromedp.Evaluate[chromedp.Void](`asked = 0; window.fetch = (...of) => (asked++, real(...of)); window.sent = 0; HTMLFormElement.prototype.submit = () => { sent++; }`),
		chromedp.Evaluate[chromedp.Void](`for (const id of ["passphrase", "again"]) document.getElementById(id).value = ""`),
		chromedp.SendKeys("#passphrase", "short"), chromedp.SendKeys("#again", "short"), chromedp.Click(button), chromedp.WaitVisible("#passphrase-problem"))
	state, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("`${asked} fetched, ${sent} sent, ${document.activeElement.id} has the focus, ${document.querySelectorAll('main').length} main, ${location.pathname}`"))
	if want := "1 fetched, 0 sent, passphrase has the focus, 1 main, /backup"; err != nil || state != want {
		b.t.Errorf("after a refusal: %s (%v), want %s", state, err, want)
	}
	b.waitText(button, "Download")
	b.checkAccess("backup-refused")
	b.forget("400") // the passphrase, which is too short
}
