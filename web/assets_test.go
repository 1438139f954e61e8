package web

import (
	"regexp"
	"strings"
	"testing"
)

func TestAPageIsDrawnOnlyFromItsOwnOrigin(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.addPeer("phone")
	refs := regexp.MustCompile(`(?:src|href|action)="([^"]*)"`)
	inline := regexp.MustCompile(`(?i)<style|style="|<script>|\son[a-z]+="|javascript:`)
	for _, path := range []string{"/", "/peers/1", "/peers/1/remove", "/login", "/setup", "/nowhere"} {
		body := w.get(c, path).body
		for _, m := range refs.FindAllStringSubmatch(body, -1) {
			if !strings.HasPrefix(m[1], "/") && !strings.HasPrefix(m[1], "#") || strings.HasPrefix(m[1], "//") {
				t.Errorf("%s refers to %q", path, m[1])
			}
		}
		if at := inline.FindString(body); at != "" {
			t.Errorf("%s has %q, which the policy forbids", path, at)
		}
	}
}

func TestFilesAreServedUnderTheirHash(t *testing.T) {
	w := newWorld(t)
	w.owner()
	page := w.get(w.stranger, "/login").body
	n := 0
	for _, path := range regexp.MustCompile(`/assets/[^"]+`).FindAllString(page, -1) {
		n++
		r := w.get(w.stranger, path)
		w.wantStatus(path, r, 200)
		if !strings.Contains(r.header.Get("Cache-Control"), "immutable") || r.header.Get("Set-Cookie") != "" || strings.HasPrefix(r.header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %v", path, r.header)
		}
		w.wantStatus("another hash", w.get(w.stranger, strings.Replace(path, path[8:20], "000000000000", 1)), 404)
	}
	if n < 3 {
		t.Errorf("%d files", n)
	}
}
