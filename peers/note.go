package peers

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxNote is in characters (code points after normalisation).
const maxNote = 1000

// parseNote accepts up to 1000 characters in several lines, without control
// characters and marks that turn the direction of the text around them.
func parseNote(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", fieldErrorf("note", "the note is not valid UTF-8 text: type it again")
	}
	s = norm.NFC.String(strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))) // forms send \r\n
	if n := utf8.RuneCountInString(s); n > maxNote {
		return "", fieldErrorf("note", "%d characters are too many: a note has at most %d", n, maxNote)
	}
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
			return "", fieldErrorf("note", "it contains an invisible control character (%U): leave it out", r)
		}
	}
	return s, nil
}
