package languages

import (
	"strings"
	"unicode/utf8"
)

// fillings finds what stands in the holes between the parts of a text: nothing is
// empty, and each is as short as it can be, but for the last one. ok is false where
// english is another text. A regular expression would find the same, and those of all
// texts take megabytes.
func fillings(parts []string, english string) (found []string, ok bool) {
	rest, ok := strings.CutPrefix(english, parts[0])
	if !ok {
		return nil, false
	}
	last := parts[len(parts)-1]
	if rest, ok = strings.CutSuffix(rest, last); !ok {
		return nil, false
	}
	for _, next := range parts[1 : len(parts)-1] {
		_, least := utf8.DecodeRuneInString(rest)
		at := strings.Index(rest[least:], next)
		if at < 0 {
			return nil, false
		}
		found = append(found, rest[:least+at])
		rest = rest[least+at+len(next):]
	}
	if rest == "" {
		return nil, false
	}
	return append(found, rest), true
}
