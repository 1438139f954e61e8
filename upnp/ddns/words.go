package ddns

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxWords = 96 // runes of a provider's text that we repeat

// clean makes foreign words fit to show: printable characters only (which leaves
// out control characters, bidi overrides and line separators), single spaces, at
// most 96 runes. It is still untrusted text, to be escaped like any.
func clean(s string) string {
	if len(s) > 16*maxWords {
		s = s[:16*maxWords]
	}
	var out []rune
	for _, word := range strings.FieldsFunc(s, unicode.IsSpace) {
		word := strings.Map(func(r rune) rune {
			if r == utf8.RuneError || !unicode.IsPrint(r) {
				return -1
			}
			return r
		}, word)
		if word == "" {
			continue
		}
		if len(out) > 0 {
			out = append(out, ' ')
		}
		out = append(out, []rune(word)...)
	}
	return string(out[:min(len(out), maxWords)])
}
