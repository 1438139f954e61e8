package ddns

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxWords = 96 // runes of a provider's text that we repeat

// clean makes foreign words fit to show. They are still untrusted text, to be
// escaped like any.
func clean(s string) string { return cut(printable(s)) }

// printable leaves printable characters (which takes out control characters, bidi
// overrides and line separators) and single spaces.
func printable(s string) string {
	var words []string
	for _, word := range strings.FieldsFunc(s, unicode.IsSpace) {
		word := strings.Map(func(r rune) rune {
			if r == utf8.RuneError || !unicode.IsPrint(r) {
				return -1
			}
			return r
		}, word)
		if word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

func cut(s string) string {
	n := 0
	for i := range s {
		if n == maxWords {
			return s[:i]
		}
		n++
	}
	return s
}
