//go:build linux

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"regexp"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// checkPaper fails the test if a device's page prints as anything but one white
// sheet with the code, its name and what to do, also in the dark look.
func (b *browser) checkPaper(device string) {
	b.t.Helper()
	b.look(1280, "dark")
	b.do("opening "+device, chromedp.Navigate(device), chromedp.WaitVisible("[data-print]"))
	b.do("printing", func(ctx context.Context, _ *chromedp.Target) (v chromedp.Void, err error) {
		_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
		})
		return v, err
	})
	type sheet struct {
		Shown, Hidden []bool
		Ground, Ink   string
	}
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[sheet](`(() => {
		const seen = (s) => document.querySelector(s).checkVisibility();
		return {
			Shown: ["h1", "#code", ".code ol", ".onpaper"].map(seen),
			Hidden: ["header", "[data-print]", ".code details", "#test", "#about", ".onscreen"].map(seen),
			Ground: getComputedStyle(document.documentElement).backgroundColor, Ink: getComputedStyle(document.querySelector(".onpaper")).color,
		};
	})()`))
	if err != nil {
		b.t.Fatal(err)
	}
	for i, seen := range got.Shown {
		if !seen {
			b.t.Errorf("on paper, %d of what has to be there is not", i)
		}
	}
	for i, seen := range got.Hidden {
		if seen {
			b.t.Errorf("on paper, %d of what is for the screen is there", i)
		}
	}
	if got.Ground != "rgb(255, 255, 255)" || got.Ink != "rgb(0, 0, 0)" {
		b.t.Errorf("paper is %s and ink %s", got.Ground, got.Ink)
	}
	b.shot("paper")
	printed, err := chromedp.Run(b.ctx, func(ctx context.Context, _ *chromedp.Target) (page.PrintToPDFResult, error) {
		return chromedp.Call(ctx, page.PrintToPDF, page.PrintToPDFParams{PrintBackground: new(true)})
	})
	if err != nil {
		b.t.Fatal(err)
	}
	pdf := printed.Data
	if sheets := len(regexp.MustCompile(`/Type\s*/Page\b[^s]`).FindAll(pdf, -1)); sheets != 1 {
		b.t.Errorf("it takes %d sheets, want 1", sheets)
	}
	if dir := os.Getenv("HOMEWARD_SHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "paper.pdf"), pdf, 0o644); err != nil {
			b.t.Error(err)
		}
	}
	b.look(1280, "light")
}
