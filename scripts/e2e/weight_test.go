//go:build linux

package e2e

import "github.com/chromedp/chromedp"

// What a page may weigh with all that belongs to it, and how much of what is seen
// may move while it loads (the browser's layout shift score: 0 is still).
const (
	maxWeight = 60 << 10
	maxShift  = 0.01
	// maxPaint is how long the first paint may take in a lab on a busy machine. What
	// it takes on a quiet one is in the test's log.
	maxPaint = 2000 // ms
)

// checkWeight fails the test if the page that is open is heavy, moves while it
// loads, or is slow to appear. It comes before a picture is taken, which resizes
// the window.
func (b *browser) checkWeight(name string) {
	b.t.Helper()
	type load struct{ Bytes, Files, Shift, Paint float64 }
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[load](`(async () => {
		const of = (type, wait) => new Promise((done) => {
			const o = new PerformanceObserver((list) => { o.disconnect(); done(list.getEntries()); });
			o.observe({type, buffered: true});
			setTimeout(() => done([]), wait);
		});
		const files = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource").filter((e) => !e.name.includes("/live"))];
		const paints = await of("paint", 5000); // the page may be there and not painted yet
		const shifts = await of("layout-shift", 50);
		return {
			Bytes: files.reduce((n, e) => n + e.encodedBodySize, 0), Files: files.length,
			Shift: shifts.reduce((n, e) => n + e.value, 0), Paint: paints.length ? Math.min(...paints.map((e) => e.startTime)) : -1,
		};
	})()`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: asking what it weighs: %v", name, err)
	}
	b.t.Logf("%s: %.1f KiB in %.0f files, shift %.4f, first paint after %.0f ms", name, got.Bytes/1024, got.Files, got.Shift, got.Paint)
	if got.Files < 3 || got.Bytes < 8<<10 {
		b.t.Errorf("%s: %.0f bytes in %.0f files: the check looks at nothing", name, got.Bytes, got.Files)
	}
	if got.Bytes > maxWeight {
		b.t.Errorf("%s weighs %.0f bytes, want at most %d", name, got.Bytes, maxWeight)
	}
	if got.Shift > maxShift {
		b.t.Errorf("%s moves while it loads: %.4f, want at most %v", name, got.Shift, maxShift)
	}
	if got.Paint < 0 || got.Paint > maxPaint {
		b.t.Errorf("%s: the first paint comes after %.0f ms, want at most %d", name, got.Paint, maxPaint)
	}
}
