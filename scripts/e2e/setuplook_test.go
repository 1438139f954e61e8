//go:build linux

package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"homeward/scripts/labnet"
)

// TestTheStepsOfSetupFitPhonesAndScreensInBothLooks goes from the link that can be used
// once to the code of the first phone, and looks at every step on the way.
func TestTheStepsOfSetupFitPhonesAndScreensInBothLooks(t *testing.T) {
	h, page := startPage(t)
	link := h.setupLink()
	send := func(step, again, then string) {
		t.Helper()
		page.do(step, chromedp.SendKeys("#password", password), chromedp.SendKeys("#again", again), chromedp.Click("button.main"), chromedp.WaitVisible(then))
	}
	page.do("opening the setup link", chromedp.Navigate(link), chromedp.WaitVisible("#password"))
	page.seeEveryLook("setup-password")
	send("setting two that differ", password+"!", "#password-problem")
	page.seeEveryLook("setup-differs")
	page.forget("400")
	send("setting the password", password, "#way")
	page.seeEveryLook("setup-welcome")
	labnet.Eventually(t, time.Minute, "the router has told the address", func() bool {
		out, err := h.do("status")
		return err == nil && strings.Contains(out, "Devices call")
	})
	page.do("waiting for the check of the way home", chromedp.WaitNotVisible("[data-while=looking]"))
	page.seeEveryLook("setup-checked")
	page.addDevice("Anna's phone")
	page.seeEveryLook("setup-first-phone")
	page.checkClean(strings.Split(link, "/setup")[0])
}
