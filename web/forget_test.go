package web

import (
	"net/http"
	"testing"
	"time"
)

// The templates and texts of a language take two megabytes, and most of the time nobody
// looks at the page.
func TestPagesAreInMemoryOnlyWhileSomebodyLooks(t *testing.T) {
	w := newWorld(t)
	w.page.Forget(0) // the texts that other tests read
	if w.page.Forget(0) {
		t.Error("something is in memory before anybody looks")
	}
	for range 2 {
		if r := w.ask("/setup", "de"); r.status != http.StatusOK {
			t.Fatalf("the page is answered by %d", r.status)
		}
		for l, p := range w.page.pages {
			if read := p.Forget(0); read != (l.Tag() == "de") {
				t.Errorf("the pages in %s are read: %v", l.Tag(), read)
			}
		}
		if w.page.Forget(time.Hour) {
			t.Error("texts are forgotten just after their use")
		}
		if !w.page.Forget(0) || w.page.Forget(0) {
			t.Error("the texts are not forgotten when nobody has used them")
		}
	}
}
