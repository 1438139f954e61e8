package main

import (
	"strings"
	"testing"
	"time"

	"homeward/web/api"
)

func TestALogIsReadFromAPointInThePast(t *testing.T) {
	now := time.Date(2026, 3, 5, 12, 0, 0, 0, time.Local)
	for in, want := range map[string]time.Time{
		"12h": now.Add(-12 * time.Hour), "2d": now.AddDate(0, 0, -2), "1w": now.AddDate(0, 0, -7),
		"2026-03-03": time.Date(2026, 3, 3, 0, 0, 0, 0, time.Local), "2026-03-03T10:00:00Z": time.Date(2026, 3, 3, 10, 0, 0, 0, time.UTC),
	} {
		if got, err := parseSince(in, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "tuesday", "-2d", "-5h", "d"} {
		if got, err := parseSince(in, now); err == nil {
			t.Errorf("%q is %v", in, got)
		}
	}
}

func TestTheLogIsPrintedInOrder(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 3, 3, hour, 0, 0, 0, time.Local) }
	var b strings.Builder
	err := printLog(&b, []api.Event{
		{At: at(12), Kind: "device-refused", Cause: "expired", Name: "anna\x1b[31m", Place: "203.0.113.0/24", Count: 1},
		{At: at(9), Kind: "port-lost", Cause: "no-wan", Count: 1},
	}, []api.Session{{First: at(10), Last: at(11), Place: "203.0.113.0/24"}})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "no connection to the internet") || !strings.Contains(lines[1], "until 11:00, from outside (203.0.113.0/24)") ||
		!strings.Contains(lines[2], "anna") || !strings.Contains(lines[2], "time is over") || strings.Contains(b.String(), "\x1b") {
		t.Errorf("%s", b.String())
	}
	b.Reset()
	if err := printLog(&b, nil, nil); err != nil || !strings.HasPrefix(b.String(), "Nothing") {
		t.Errorf("%q, %v", b.String(), err)
	}
}

// What the command line did is in the log of the same run and of the next, with
// how the run before ended.
func TestTheLogTellsWhoDidWhatAcrossRestarts(t *testing.T) {
	dir := newDir(t, "")
	stop, _ := start(t, dir)
	do := func(args ...string) string {
		t.Helper()
		code, out, errs := homeward(t.Context(), dir, args...)
		if code != exitOK {
			t.Fatalf("%q: %s", args, errs)
		}
		return out
	}
	for _, args := range [][]string{{"add", "anna"}, {"edit", "anna", "--note", "SECRET-VALUE"}, {"edit", "anna", "--note", "SECRET-VALUE"}, {"disable", "anna"}, {"rotate", "anna"}, {"invite", "anna"}} {
		do(append([]string{"peers"}, args...)...)
	}
	stop()
	start(t, dir)
	want := []string{"started", "Was added · On the box itself", "Its settings were changed", "Was switched off", "Was given a new code", "A link to its code was made", "stopped", "started"}
	var out string
	for end := time.Now().Add(testPatience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) { // until it is noted
		if out = do("log", "--since", "1h"); strings.Count(out, "started") == 2 {
			break
		}
	}
	rest := out
	for _, w := range want {
		at := strings.Index(rest, w)
		if at < 0 {
			t.Fatalf("%q is missing, or at another place:\n%s", w, out)
		}
		rest = rest[at+len(w):]
	}
	if strings.Contains(out, "SECRET") || strings.Count(out, "settings were changed") != 1 || strings.Contains(out, "power cut") {
		t.Errorf("%s", out)
	}
	do("peers", "add", "bert")
	if one := do("log", "--peer", "anna"); !strings.Contains(one, "started") || !strings.Contains(one, "Was added") || strings.Contains(one, "bert") {
		t.Errorf("of one device: %s", one)
	}
	if js := do("log", "--kind", "admin", "--json"); !strings.Contains(js, `"cause": "new-code"`) || strings.Contains(js, `"started"`) {
		t.Errorf("as JSON: %s", js)
	}
	if code, _, errs := homeward(t.Context(), dir, "log", "--since", "tuesday"); code != exitUsage || !strings.Contains(errs, "2d") {
		t.Errorf("%d %s", code, errs)
	}
	if shown := do("peers", "show", "anna"); !strings.Contains(shown, "In the last 30 days: 0 B received") {
		t.Errorf("%s", shown)
	}
}
