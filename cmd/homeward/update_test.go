package main

import (
	"strings"
	"testing"
)

func TestAnUpdateWithoutAKeyOrASourceIsRefused(t *testing.T) {
	dir := newDir(t, "")
	for says, args := range map[string][]string{
		"--from":                   {},
		"neither a folder":         {"--from", dir + "/none"},
		"must begin with https://": {"--from", "http://example.org/"},
		"--key":                    {"--from", dir},
		"32 bytes in base64":       {"--from", dir, "--key", "abc"},
		"yes, no, auto":            {"--from", dir, "--restart", "maybe"},
		"putting the old program":  {"--back", "--restart", "no"},
	} {
		code, _, errs := homeward(t.Context(), dir, append([]string{"update"}, args...)...)
		if code == exitOK || !strings.Contains(errs, says) {
			t.Errorf("%q: exit code %d, said %q, want %q in it", args, code, errs, says)
		}
	}
}
