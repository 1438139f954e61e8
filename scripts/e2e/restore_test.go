//go:build linux

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"homeward/scripts/labnet"
)

// TestABackupIsMadeAndRestoredOnThePage does it as a person does: "I come from another
// server", a recovery code, a backup every night, and on a new homeward "I have a backup".
func TestABackupIsMadeAndRestoredOnThePage(t *testing.T) {
	h, page := startPage(t)
	page.claim(h.setupLink())
	base, err := chromedp.Run(page.ctx, chromedp.Evaluate[string]("location.origin"))
	if err != nil {
		t.Fatal(err)
	}
	page.look(widths[0], "light")
	page.importServer(base)
	labnet.Eventually(t, 60*time.Second, "homeward starts again with the devices of the other server", func() bool {
		out, err := h.do("peers", "list")
		return err == nil && strings.Contains(out, "old laptop")
	})
	labnet.Eventually(t, 60*time.Second, "a device is added, once the router has told where home is", func() bool {
		_, err := h.do("peers", "add", "phone")
		return err == nil
	})
	page.do("making a recovery code", chromedp.Navigate(base+"/backup"), chromedp.Click(`form[action="/backup/recovery-code"] button`), chromedp.WaitVisible("#recovery-code"))
	page.seeEveryLook("recovery")
	code, err := chromedp.Run(page.ctx, chromedp.Text("#recovery-code"))
	if err != nil || !strings.HasPrefix(code, "AGE-SECRET-KEY-1") {
		t.Fatalf("the code is %.20q, %v", code, err)
	}
	page.do("backing up every night", chromedp.Click("main a.main"), chromedp.WaitVisible("#folder"), chromedp.Click(`form[action="/backup/nightly"] button`), chromedp.WaitVisible(`form[action="/backup/nightly/off"]`))
	page.seeEveryLook("backup-nightly")
	var file string
	labnet.Eventually(t, 60*time.Second, "a backup is written to the folder that the page suggests", func() bool {
		all, _ := filepath.Glob(filepath.Join(h.state(), "backups", "homeward-*.backup"))
		if len(all) == 1 {
			file = filepath.Join(h.lab.Dir, "home.backup")
			b, err := os.ReadFile(all[0])
			return err == nil && os.WriteFile(file, b, 0o644) == nil
		}
		return false
	})
	page.checkBusy(base)
	h.stop()

	fresh := &homeward{t: t, lab: h.lab, bin: h.bin, dir: filepath.Join(h.lab.Dir, "fresh")}
	fresh.Process = h.lab.NAS.Start(h.lab.NAS.CommandAs(context.Background(), true, fresh.dir, fresh.bin, "serve", "--state", fresh.state(), "--config", os.DevNull))
	link := fresh.setupLink()
	send := func(key string, then string) {
		t.Helper()
		page.do("sending the backup", chromedp.SendKeys("#key", key), chromedp.SetUploadFiles("#file", []string{file}),
			chromedp.Click(`form[action="/setup/restore"] button`), chromedp.WaitVisible(then))
	}
	page.do("opening the new setup link", chromedp.Navigate(link), chromedp.Click("details summary"), chromedp.WaitVisible("#key"))
	page.seeEveryLook("have-a-backup")
	send("a passphrase", "#key-problem")
	page.seeEveryLook("restore-refused")
	page.do("choosing the file again", chromedp.SetUploadFiles("#file", []string{file}))
	page.seeEveryLook("restore-chosen")
	send(code, `form[action="/setup/restore/take"] button`)
	page.seeEveryLook("restore-found") // what the backup holds; nothing is changed yet
	page.waitText("main dl", "homeward ")
	if out, err := fresh.do("peers", "list"); err != nil || !strings.Contains(out, "No devices yet") {
		t.Errorf("it was restored before anybody had confirmed it: %s, %v", out, err)
	}
	page.do("confirming it", chromedp.Click(`form[action="/setup/restore/take"] button`), chromedp.WaitVisible(`a[href="/login"]`))
	page.seeEveryLook("restored")
	labnet.Eventually(t, 60*time.Second, "it has the device of before", func() bool {
		out, err := fresh.do("peers", "list")
		return err == nil && strings.Contains(out, "phone") && strings.Contains(out, "old laptop")
	})
	page.forget("400") // the passphrase, which is none
	page.do("logging in as before", chromedp.Click(`a[href="/login"]`), chromedp.SendKeys("#password", password), chromedp.Click("main button.main"), chromedp.WaitVisible("#way"))
	page.checkClean(base)
}

// importServer takes over another server: first a file that is none, then those of one.
func (b *browser) importServer(base string) {
	b.t.Helper()
	const fixture = "../../peers/imports/testdata/pivpn/"
	send := func(step string, files []string, then string) {
		b.t.Helper()
		for i, f := range files {
			files[i], _ = filepath.Abs(fixture + f) // fails only where there is no working directory
		}
		b.do("choosing what is sent", chromedp.SetUploadFiles("#file", files))
		if len(files) > 1 {
			b.seeEveryLook("import-chosen")
		}
		b.do(step, chromedp.Click(`form[action="/import"] button`), chromedp.WaitVisible(then))
	}
	b.do("coming from another server", chromedp.Navigate(base+"/import"), chromedp.WaitVisible("#file"))
	b.seeEveryLook("import")
	send("sending what is none", []string{"configs/clients.txt"}, "#file-problem")
	b.seeEveryLook("import-refused")
	send("sending its files", []string{"wg0.conf", "configs/anna.conf", "configs/clients.txt"}, "#stays")
	b.seeEveryLook("import-found") // what would be taken over; nothing is yet
	b.do("taking it over", chromedp.Click(`form[action="/import/take"] button`), chromedp.WaitVisible(`main a.main[href="/"]`))
	b.seeEveryLook("imported")
	b.forget("422") // the file that is none
}
