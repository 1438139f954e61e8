package main

import (
	"regexp"
	"strings"
	"testing"

	"homeward/configs"
)

func TestTheManualPageHasEveryCommandAndSetting(t *testing.T) {
	code, page, errs := homeward(t.Context(), newDir(t, ""), "man")
	if code != exitOK {
		t.Fatal(errs)
	}
	for _, want := range []string{".SS homeward serve\n", ".SS homeward peers add NAME", ".SS homeward service install\n", `\fB\-\-dry\-run\fR`} {
		if !strings.Contains(page, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	for _, k := range configs.Keys() {
		if !strings.Contains(page, strings.ReplaceAll(k.Env(), "-", `\-`)) {
			t.Errorf("it lacks %s", k.Name)
		}
	}
	for _, line := range regexp.MustCompile(`(?m)^[.'].*$`).FindAllString(page, -1) {
		if !regexp.MustCompile(`^\.(TH|SH|SS|TP|PP|B|I|nf|fi)\b`).MatchString(line) {
			t.Errorf("roff takes %q for a command", line)
		}
	}
}
