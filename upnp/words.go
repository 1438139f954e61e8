package upnp

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxWords = 64 // runes of a router's text that we repeat

// clean makes a router's words fit to show: printable characters only (which
// leaves out control characters, bidi overrides and line separators), single
// spaces, at most 64 runes. It is still untrusted text, to be escaped like any.
func clean(s string) string {
	if len(s) > 16*maxWords {
		s = s[:16*maxWords]
	}
	var b strings.Builder
	n, gap := 0, false
	for _, r := range s {
		if unicode.IsSpace(r) {
			gap = n > 0
			continue
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			continue
		}
		if gap && n+1 < maxWords {
			b.WriteByte(' ')
			n++
		}
		gap = false
		if n == maxWords {
			break
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// routerName joins maker and model, once when the model already begins with the maker.
func routerName(maker, model string) string {
	maker, model = clean(maker), clean(model)
	if maker == "" || strings.HasPrefix(strings.ToLower(model), strings.ToLower(maker)) {
		return model
	}
	return clean(maker + " " + model)
}
