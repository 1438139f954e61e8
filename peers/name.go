package peers

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// maxNameLength is in characters (code points after normalisation).
const maxNameLength = 64

const (
	zeroWidthNonJoiner = '\u200c' // Persian and Indic scripts
	zeroWidthJoiner    = '\u200d' // the same, and emoji such as families
	blackFlag          = '\U0001f3f4'
	firstTag, lastTag  = '\U000e0020', '\U000e007f' // the flags of England, Scotland and Wales
)

// Name is what people call a peer: any script and emoji, on one line, with
// nothing invisible that could make one name look like another or turn the
// text around it.
type Name string

// ParseName accepts 1 to 64 characters. It trims s, turns every kind of space
// into an ordinary one and composes letters (NFC). It refuses control, format
// and zero-width characters, except where scripts and emoji need joiners.
func ParseName(s string) (Name, error) {
	if !utf8.ValidString(s) {
		return "", fieldErrorf("name", "the name is not valid UTF-8 text: type it again")
	}
	s = norm.NFC.String(strings.TrimSpace(strings.Map(ordinarySpace, s)))
	if s == "" {
		return "", fieldErrorf("name", "a name is needed, of 1 to %d characters", maxNameLength)
	}
	runes := []rune(s)
	if len(runes) > maxNameLength {
		return "", fieldErrorf("name", "%d characters are too many: a name has at most %d", len(runes), maxNameLength)
	}
	visible := false
	for i, r := range runes {
		if what := unwanted(runes, i); what != "" {
			return "", fieldErrorf("name", "character %d is %s (%U), which a name cannot contain: leave it out", i+1, what, r)
		}
		visible = visible || isVisible(r)
	}
	if !visible {
		return "", fieldErrorf("name", "the name would be invisible: use letters, digits or emoji")
	}
	return Name(s), nil
}

// Folded is the form under which names must differ: capitals, width, ligatures,
// runs of spaces and invisible joiners make no difference.
func (n Name) Folded() string {
	s := norm.NFKC.String(string(n))
	for range 2 { // folding may undo the normal form and the other way round
		s = norm.NFKC.String(cases.Fold().String(s))
	}
	s = strings.Map(func(r rune) rune {
		if isJoiner(r) || unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// unwanted says what is wrong with the character at i, or nothing.
func unwanted(runes []rune, i int) string {
	r := runes[i]
	switch {
	case r == ' ':
		return ""
	case unicode.IsControl(r):
		return "a control character"
	case unicode.In(r, unicode.Zl, unicode.Zp):
		return "a line break"
	case unicode.Is(unicode.Bidi_Control, r):
		return "an invisible mark that turns the direction of text"
	case isJoiner(r):
		if i > 0 && i+1 < len(runes) && joins(runes[i-1]) && joins(runes[i+1]) {
			return ""
		}
		return "an invisible joiner with nothing to join"
	case r >= firstTag && r <= lastTag:
		if i > 0 && (runes[i-1] == blackFlag || runes[i-1] >= firstTag && runes[i-1] < lastTag) {
			return ""
		}
		return "an invisible tag"
	case unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r),
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r),
		r == '\u2800': // the empty Braille pattern
		return "an invisible character"
	case unicode.Is(unicode.Noncharacter_Code_Point, r):
		return "not a character"
	}
	return ""
}

func ordinarySpace(r rune) rune {
	if unicode.Is(unicode.Zs, r) {
		return ' '
	}
	return r
}

func isJoiner(r rune) bool { return r == zeroWidthJoiner || r == zeroWidthNonJoiner }

// joins says whether a joiner may stand beside r.
func joins(r rune) bool { return unicode.In(r, unicode.L, unicode.M, unicode.S) }

// isVisible takes characters newer than our tables for visible ones.
func isVisible(r rune) bool {
	return !unicode.In(r, unicode.M, unicode.Z, unicode.Cc, unicode.Cf)
}
