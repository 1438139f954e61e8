//go:build linux

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"homeward/scripts/labnet"
)

// holdPasskeys gives the browser a device that keeps passkeys, and recognises its
// owner or not.
func (b *browser) holdPasskeys() (recognise func(bool)) {
	b.t.Helper()
	var id webauthn.AuthenticatorID
	b.do("giving the browser a keeper of passkeys", func(ctx context.Context, _ *chromedp.Target) (v chromedp.Void, err error) {
		if _, err = chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return v, err
		}
		made, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}})
		id = made.AuthenticatorID
		return v, err
	})
	return func(yes bool) {
		b.t.Helper()
		b.do("changing whom it recognises", func(ctx context.Context, _ *chromedp.Target) (v chromedp.Void, err error) {
			_, err = chromedp.Call(ctx, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: id, IsUserVerified: yes})
			return v, err
		})
	}
}

// A real browser makes a passkey and logs in by it. The box itself is the one place
// that has a name which every browser trusts.
func TestARealBrowserLogsInByAPasskey(t *testing.T) {
	lab := labnet.New(t)
	h := &homeward{t: t, lab: lab, bin: build(t, lab.Dir), dir: filepath.Join(lab.Dir, "home")}
	h.Process = lab.NAS.Start(lab.NAS.CommandAs(context.Background(), true, h.dir, h.bin, "serve", "--state", h.state(), "--config", os.DevNull,
		"--map-port=false", "--plane", "netstack", "--bind", "127.0.0.1"))
	b := openBrowser(t, lab.NAS)
	link := strings.Replace(h.setupLink(), "127.0.0.1", "localhost", 1)
	base := strings.Split(link, "/setup")[0]
	recognise := b.holdPasskeys()
	b.claim(link)
	b.do("adding a passkey with a wrong password", chromedp.Navigate(base+"/account"), chromedp.WaitVisible("#passkey-name"), chromedp.SendKeys("#passkey-name", "this browser"),
		chromedp.SendKeys("#passkey-old", "wrong password"), chromedp.Click(`form[data-finish="/account/passkeys"] button`), chromedp.WaitVisible("[data-problem=said]"))
	b.shot("passkey-wrong")
	b.forget("403")
	b.do("adding it", chromedp.Navigate(base+"/account"), chromedp.WaitVisible("#passkey-name"), chromedp.SendKeys("#passkey-name", "this browser"),
		chromedp.SendKeys("#passkey-old", password), chromedp.Click(`form[data-finish="/account/passkeys"] button`), chromedp.WaitVisible(`form[action^="/account/passkeys/"] button.danger`))
	b.seeEveryLook("passkeys")
	b.do("logging out", chromedp.Click(`form[action="/logout"] button`), chromedp.WaitVisible("[data-passkey] button"))
	b.seeEveryLook("passkey-login")
	recognise(false)
	b.do("somebody else holds it", chromedp.Click("[data-passkey] button"), chromedp.WaitVisible("[data-problem=cancelled]"))
	recognise(true)
	b.do("its owner holds it", chromedp.Click("[data-passkey] button"), chromedp.WaitVisible("#way"))
	b.do("removing it", chromedp.Navigate(base+"/account"), chromedp.WaitVisible(`form[action^="/account/passkeys/"] button.danger`),
		chromedp.Click(`form[action^="/account/passkeys/"] button.danger`), chromedp.WaitNotPresent(`form[action^="/account/passkeys/"] button.danger`))
	b.checkClean(base)
}
