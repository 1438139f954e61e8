//go:build linux

package e2e

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe/axe.min.js
var axe string

// violation is a rule of axe-core that a page breaks.
type violation struct {
	ID    string   `json:"id"`
	Help  string   `json:"help"`
	Nodes []string `json:"nodes"`
}

// checkAccess fails the test for what axe-core finds on the page that is open:
// the rules of WCAG 2.0 to 2.2, levels A and AA, and the best practices.
func (b *browser) checkAccess(where string) {
	b.t.Helper()
	type result struct {
		Passes     int         `json:"passes"`
		Violations []violation `json:"violations"`
	}
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[result](axe+`;
	(async () => {
		const r = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]});
		return {passes: r.passes.length, violations: r.violations.map((v) => ({id: v.id, help: v.help, nodes: v.nodes.map((n) => n.html + " – " + n.failureSummary)}))};
	})()`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: running axe-core: %v", where, err)
	}
	if got.Passes < 10 {
		b.t.Errorf("%s: only %d rules of axe-core found something to look at", where, got.Passes)
	}
	for _, v := range got.Violations {
		b.t.Errorf("%s: %s: %s\n\t%s", where, v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
	}
}

// checkAccessSees fails the test if axe-core would find nothing anyway.
func (b *browser) checkAccessSees() {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](axe+`;
	(async () => {
		document.querySelector("main").insertAdjacentHTML("beforeend", '<img src="/"><p id="pale">pale</p>');
		document.getElementById("pale").attributeStyleMap.set("color", "#ccc");
		document.getElementById("pale").attributeStyleMap.set("background-color", "#fff");
		return (await axe.run()).violations.map((v) => v.id);
	})()`, chromedp.EvalAwaitPromise))
	if err != nil || !slices.Contains(got, "image-alt") || !slices.Contains(got, "color-contrast") {
		b.t.Errorf("axe-core finds %v on a page with a picture without words and pale text, %v", got, err)
	}
}

// widths are a small phone, a tablet and a screen.
var widths = []int64{320, 768, 1280}

// visit opens each page at each width and in both looks.
func (b *browser) visit(base string, pages map[string]string, see func(name string)) {
	b.t.Helper()
	b.everyLook(func(look string) {
		for name, path := range pages {
			// By CSS: a search for the word would wait for all that is of the class main, hidden or not.
			b.do("opening "+path, chromedp.Navigate(base+path), chromedp.WaitVisible(chromedp.CSS("main")))
			see(name + "-" + look)
		}
	})
}

// everyLook sets each width in both looks.
func (b *browser) everyLook(see func(look string)) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range widths {
			b.look(width, scheme)
			see(fmt.Sprintf("%s-%d", scheme, width))
		}
	}
}

// seeEveryLook checks the page that is open, as it is, at each width and in both
// looks, and leaves it as a small phone shows it.
func (b *browser) seeEveryLook(name string) {
	b.t.Helper()
	b.everyLook(func(look string) {
		b.checkWidth(name + "-" + look)
		b.checkAccess(name + "-" + look)
	})
	b.look(widths[0], "light")
}
