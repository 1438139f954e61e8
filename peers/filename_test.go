package peers

import (
	"math"
	"regexp"
	"testing"
)

// fileNamePattern is what wg-quick and the official apps accept.
var fileNamePattern = regexp.MustCompile(`^[a-zA-Z0-9_=+.-]{1,15}$`)

func TestFileName(t *testing.T) {
	for name, want := range map[Name]string{
		"Anna's phone":          "Annas-phone",
		"Anna’s phone":          "Annas-phone",
		"müller":                "muller",
		"Große Øre":             "Grosse-Ore",
		"Łódź":                  "Lodz",
		"a very long name here": "a-very-long-nam",
		"twelve chars- cut":     "twelve-chars--c",
		"手机":                    "homeward-12",
		"📱":                     "homeward-12",
		"📱 anna":                "anna",
		"..":                    "homeward-12",
		".hidden":               "hidden",
		"--help":                "help",
		"con":                   "homeward-12",
		"LPT1.x":                "homeward-12",
		"all":                   "homeward-12",
		"a/../../etc":           "a-..-..-etc",
		`a"b;c`:                 "a-b-c",
		"ＮＡＳ":                   "NAS",
	} {
		got := ClientConfig{ID: 12, Name: name}.FileName()
		if got != want {
			t.Errorf("FileName of %q = %q, want %q", name, got, want)
		}
		if !fileNamePattern.MatchString(got) {
			t.Errorf("FileName of %q = %q, which the apps refuse", name, got)
		}
	}
	for _, id := range []ID{0, 1, 999_999, 1_000_000, math.MaxInt64} {
		if got := (ClientConfig{ID: id, Name: "手机"}).FileName(); !fileNamePattern.MatchString(got) {
			t.Errorf("FileName of device %d = %q, which the apps refuse", id, got)
		}
	}
}
