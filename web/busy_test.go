package web

import (
	"regexp"
	"strings"
	"testing"
)

// Each page has what says that work is under way, empty until then, in each language.
func TestEachPageCanSayThatWorkIsUnderWay(t *testing.T) {
	w := newWorld(t)
	for accept, says := range map[string]string{"en": "Working on it…", "de": "Wird erledigt …", "ru": "Выполняется…", "es": "Trabajando en ello…"} {
		body := w.ask("/setup", accept).body
		if want := `role="status" data-busy="` + says + `"></p>`; strings.Count(body, want) != 1 {
			t.Errorf("%s: want %s once in\n%s", accept, want, body)
		}
		if !regexp.MustCompile(`<script type="module" src="/assets/[0-9a-f]+/busy\.js"></script>`).MatchString(body) {
			t.Errorf("%s: the page does not load busy.js:\n%s", accept, body)
		}
	}
}

// The browser tells nobody that a file came: busy.js must know which form is answered
// by one, and no other.
func TestTheBackupIsTheOnlyFormWhoseAnswerIsAFile(t *testing.T) {
	w := newWorld(t)
	body := w.get(w.owner(), "/backup").body
	if strings.Count(body, "data-file") != 1 || !strings.Contains(body, `action="/backup/download" data-file`) {
		t.Errorf("want data-file on the download alone:\n%s", body)
	}
}
