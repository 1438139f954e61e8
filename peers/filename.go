package peers

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxFileName is Linux's limit for the name of a network interface, which
// wg-quick and the apps take from the file's name.
const maxFileName = 15

// reservedNames are refused by Windows as files, or mean something else to Linux.
var reservedNames = regexp.MustCompile(`(?i)^(con|prn|aux|nul|(com|lpt)[0-9]|all|default|lo)([.].*)?$`)

// FileName is the tunnel's name for the official apps, made from the peer's
// name: 1 to 15 of letters, digits and "_=+.-". It comes without ".conf". The
// second config of a peer has another name, since an app has each only once.
func (c ClientConfig) FileName() string {
	end := ""
	if c.second {
		end = map[Profile]string{ProfileHome: "-home", ProfileEverything: "-all"}[c.profile]
	}
	name := plainASCII(string(c.Name))
	if len(name) > maxFileName-len(end) {
		name = name[:maxFileName-len(end)]
	}
	name = strings.Trim(name, "-._=+")
	if name != "" && !reservedNames.MatchString(name) {
		return name + end
	}
	if name = fmt.Sprintf("homeward-%d", c.ID) + end; len(name) <= maxFileName {
		return name
	}
	digits := maxFileName - 1 - len(end)
	return fmt.Sprintf("h%0*d", digits, uint64(c.ID)%uint64(math.Pow10(digits))) + end
}

// plainASCII writes s with the characters of file names: accents fall off,
// a few Latin letters are spelt out, everything between words is one hyphen.
func plainASCII(s string) string {
	letters := strings.NewReplacer("ß", "ss", "æ", "ae", "Æ", "Ae", "œ", "oe", "Œ", "Oe", "ø", "o", "Ø", "O",
		"ł", "l", "Ł", "L", "đ", "d", "Đ", "D", "ð", "d", "Ð", "D", "þ", "th", "Þ", "Th", "ı", "i",
		"'", "", "’", "")
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(letters.Replace(s)) {
		switch {
		case r <= unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_=+.-", r)):
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		case !unicode.Is(unicode.M, r):
			gap = true
		}
	}
	return b.String()
}
