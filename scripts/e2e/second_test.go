//go:build linux

package e2e

import (
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"
)

// checkSecondStep switches the second step on, which was begun, looks at the recovery
// codes, logs in with one, makes new ones, and switches it off again.
func (b *browser) checkSecondStep(base string) {
	b.t.Helper()
	text := func(selector string) string {
		v, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector("`+selector+`").innerText`))
		if err != nil {
			b.t.Fatal(err)
		}
		return v
	}
	recovery := func() []string { return strings.Fields(text("#recovery-codes")) }

	b.do("going on with the second step", chromedp.Navigate(base+"/account/second"), chromedp.WaitVisible("#secret"))
	code, err := totp.GenerateCode(strings.ReplaceAll(text("#secret"), " ", ""), time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	b.do("entering the first code", chromedp.SendKeys("#code", code), chromedp.Click("main button.main"), chromedp.WaitVisible("#recovery-codes"))
	codes := recovery()
	if len(codes) != 10 {
		b.t.Fatalf("%d recovery codes are shown", len(codes))
	}
	b.seeEveryLook("recovery-codes")

	b.do("logging out", chromedp.Navigate(base+"/"), chromedp.WaitVisible("#way"), chromedp.Click(`form[action="/logout"] button`), chromedp.WaitVisible("#password"))
	b.do("the first step", chromedp.SendKeys("#password", password), chromedp.Click("main button.main"), chromedp.WaitVisible("#code"))
	b.seeEveryLook("login-code")
	b.do("a wrong code", chromedp.SendKeys("#code", "000000"), chromedp.Click("main button.main"), chromedp.WaitVisible("#code-problem"))
	b.seeEveryLook("login-wrong-code")
	b.forget("403")
	b.do("a recovery code", chromedp.SendKeys("#code", codes[0]), chromedp.Click("main button.main"), chromedp.WaitVisible("#way"))

	b.do("opening the account", chromedp.Navigate(base+"/account"), chromedp.WaitVisible(`button[formaction="/account/second/codes"]`))
	b.seeEveryLook("account-second-step")
	b.do("making new codes", chromedp.SendKeys("#second-old", password), chromedp.SendKeys("#code", codes[1]), chromedp.Click(`button[formaction="/account/second/codes"]`), chromedp.WaitVisible("#recovery-codes"))
	anew := recovery()
	if len(anew) != 10 || anew[0] == codes[0] {
		b.t.Fatalf("%d new recovery codes are shown", len(anew))
	}
	b.do("switching it off", chromedp.Navigate(base+"/account"), chromedp.WaitVisible("#second-old"), chromedp.SendKeys("#second-old", password), chromedp.SendKeys("#code", anew[0]),
		chromedp.Click(`form[action="/account/second/off"] button.danger`), chromedp.WaitVisible(`form[action="/account/second"]`))
}
