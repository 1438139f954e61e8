//go:build linux

package e2e

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"homeward/scripts/labnet"
)

// invite makes a link for a device.
func (h *homeward) invite(name string) (path string) {
	h.t.Helper()
	out, err := h.do("peers", "invite", name)
	if path = regexp.MustCompile(`/invite/[A-Za-z0-9_-]+`).FindString(out); err != nil || path == "" {
		h.t.Fatalf("no invite: %v\n%s", err, out)
	}
	return path
}

// saveFiles has the browser save what it downloads in a folder of the test.
func (b *browser) saveFiles() (folder string) {
	b.t.Helper()
	folder = b.t.TempDir()
	b.do("saving files in a folder of the test", func(ctx context.Context, _ *chromedp.Target) (v chromedp.Void, err error) {
		_, err = chromedp.Call(ctx, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllow, DownloadPath: folder})
		return v, err
	})
	return folder
}

// makeKeyHere opens an invite by a key that the browser makes. Homeward never sees it,
// and the file that is saved brings the phone in.
func (b *browser) makeKeyHere(h *homeward, base string) {
	b.t.Helper()
	saved := b.saveFiles()
	b.do("making the key", chromedp.Navigate(base+h.invite("Anna's phone")), chromedp.WaitVisible("[data-own-key] button"), chromedp.WaitNotVisible("[data-off]"),
		chromedp.Click("[data-own-key] button"), chromedp.WaitVisible("[data-file]"), chromedp.WaitNotVisible("form[data-once]"))
	b.everyLook(func(look string) {
		b.checkWidth("own-key-" + look)
		b.checkAccess("own-key-" + look)
	})
	b.wantStay(true)
	b.do("saving the file", chromedp.Click("[data-file]"))
	var config []byte
	labnet.Eventually(b.t, 10*time.Second, "the file is saved", func() bool {
		config, _ = os.ReadFile(filepath.Join(saved, "Annas-phone.conf"))
		return len(config) > 0
	})
	b.wantStay(false)
	found := regexp.MustCompile(`^\[Interface\]\nPrivateKey = (\S{44})\nAddress = `).FindSubmatch(config)
	if found == nil {
		b.t.Fatal("the file has no private key where one belongs")
	}
	private, err := base64.StdEncoding.DecodeString(string(found[1]))
	if err != nil || len(private) != 32 || private[0]&7 != 0 || private[31]>>6 != 1 {
		b.t.Fatalf("what the file has is not as WireGuard writes private keys: %v", err)
	}
	key, err := ecdh.X25519().NewPrivateKey(private)
	if err != nil {
		b.t.Fatal(err)
	}
	b.checkNeverSent(private, key.PublicKey().Bytes())
	h.checkNeverKept(private, key.PublicKey().Bytes())
	down := h.lab.PhoneUp(config)
	defer down()
	labnet.Eventually(b.t, 20*time.Second, "the phone comes in with the file", func() bool {
		_, err := h.lab.Phone.Try("ping", "-c", "1", "-W", "1", labnet.Share4)
		return err == nil
	})
}

// wantStay looks whether the browser would ask before it leaves the page.
func (b *browser) wantStay(want bool) {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`!dispatchEvent(new Event("beforeunload", {cancelable: true}))`))
	if err != nil || got != want {
		b.t.Errorf("the page asks before it is left: %v, want %v (%v)", got, want, err)
	}
}

// lackKeys takes from the browser what newer ones know, and looks at what it is told.
func (b *browser) lackKeys(h *homeward, base string) {
	b.t.Helper()
	if out, err := h.do("peers", "add", "Old phone"); err != nil {
		b.t.Fatal(out)
	}
	b.do("becoming an old browser", func(ctx context.Context, _ *chromedp.Target) (v chromedp.Void, err error) {
		_, err = chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: `SubtleCrypto.prototype.generateKey = async () => { document.documentElement.dataset.asked = "1"; throw new DOMException("", "NotSupportedError"); }`})
		return v, err
	}, chromedp.Navigate(base+h.invite("Old phone")), chromedp.WaitVisible("html[data-asked]"), chromedp.WaitVisible("[data-off]"), chromedp.WaitNotVisible("[data-own-key] form"))
	b.checkAccess("own-key-off")
	b.do("making the code all the same", chromedp.Click("main button.main"), chromedp.WaitVisible("#here"))
}

// checkNeverSent fails the test when a request had the private key, in whatever
// spelling. That the public one went out shows that it looks at what was sent.
func (b *browser) checkNeverSent(private, public []byte) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := false
	for _, s := range b.sent {
		seen = seen || spelled(s, public)
		if spelled(s, private) {
			b.t.Errorf("a request has the private key: %.60s", s)
		}
	}
	if !seen {
		b.t.Errorf("none of %d requests has the public key: the check looks at nothing", len(b.sent))
	}
}

// checkNeverKept fails the test when the private key is in homeward's files or output.
func (h *homeward) checkNeverKept(private, public []byte) {
	h.t.Helper()
	seen := false
	err := filepath.WalkDir(h.state(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen = seen || bytes.Contains(raw, public)
		if bytes.Contains(raw, private) || spelled(string(raw), private) {
			h.t.Errorf("%s has the private key", filepath.Base(path))
		}
		return nil
	})
	if err != nil || !seen {
		h.t.Errorf("the public key is in no file (%v): the check looks at the wrong place", err)
	}
	if spelled(h.Output(), private) {
		h.t.Error("the log has the private key")
	}
}

// spelled reports whether s has the key as base64, also as one writes it in addresses,
// or as hexadecimal.
func spelled(s string, key []byte) bool {
	for _, k := range []string{base64.StdEncoding.EncodeToString(key), base64.RawURLEncoding.EncodeToString(key), hex.EncodeToString(key)} {
		if strings.Contains(strings.ToLower(s), strings.ToLower(k)) {
			return true
		}
	}
	return false
}
