package peers

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestParseNameAccepts(t *testing.T) {
	for what, test := range map[string]struct{ in, want string }{
		"a plain name":             {"anna's phone", "anna's phone"},
		"space around":             {"  anna \n", "anna"},
		"one character":            {"a", "a"},
		"64 characters":            {strings.Repeat("ä", 64), strings.Repeat("ä", 64)},
		"64 after composing":       {strings.Repeat("a\u0308", 64), strings.Repeat("ä", 64)},
		"no-break space":           {"téléphone\u00a0!", "téléphone !"},
		"ideographic space":        {"母\u3000手机", "母 手机"},
		"Arabic":                   {"هاتف", "هاتف"},
		"Persian with a joiner":    {"می\u200cخواهم", "می\u200cخواهم"},
		"Hindi with a joiner":      {"क्\u200dष", "क्\u200dष"},
		"emoji":                    {"📱", "📱"},
		"emoji family":             {"👩\u200d👩\u200d👧 iPad", "👩\u200d👩\u200d👧 iPad"},
		"emoji with a variation":   {"❤\ufe0f\u200d🔥", "❤\ufe0f\u200d🔥"},
		"flag of Scotland":         {"🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"},
		"emoji newer than Unicode": {"\U0001fbff\U0001fffd", "\U0001fbff\U0001fffd"},
		"markup stays text":        {"<script>&", "<script>&"},
	} {
		got, err := ParseName(test.in)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %q, %v; want %q", what, got, err, test.want)
		}
	}
}

func TestParseNameRefuses(t *testing.T) {
	for what, test := range map[string]struct{ in, problem string }{
		"nothing":                   {"", "a name is needed"},
		"space only":                {" \t\u00a0", "a name is needed"},
		"65 characters":             {strings.Repeat("a", 65), "65 characters are too many: a name has at most 64"},
		"200 characters":            {strings.Repeat("ä", 200), "200 characters are too many"},
		"newline":                   {"a\nPostUp = reboot", "character 2 is a control character (U+000A)"},
		"carriage return":           {"a\rb", "control character"},
		"NUL":                       {"a\x00b", "control character"},
		"escape":                    {"\x1b[31mred", "control character"},
		"C1 control":                {"a\u0085b", "control character"},
		"line separator":            {"a\u2028b", "line break"},
		"right-to-left override":    {"a\u202egnp.exe", "turns the direction"},
		"isolate":                   {"a\u2066b", "turns the direction"},
		"zero-width space":          {"an\u200bna", "invisible character"},
		"soft hyphen":               {"an\u00adna", "invisible character"},
		"byte order mark":           {"\ufeffanna", "invisible character"},
		"Hangul filler":             {"\u3164", "invisible character"},
		"Braille blank":             {"\u2800", "invisible character"},
		"leading joiner":            {"\u200danna", "joiner with nothing to join"},
		"trailing joiner":           {"anna\u200d", "joiner with nothing to join"},
		"two joiners":               {"a\u200d\u200db", "joiner with nothing to join"},
		"joiner at a space":         {"a\u200d b", "joiner with nothing to join"},
		"tag without a flag":        {"anna\U000e0067", "invisible tag"},
		"only a variation selector": {"\ufe0f", "invisible"},
		"only an accent":            {"\u0301", "invisible"},
		"broken UTF-8":              {"a\xffb", "UTF-8"},
		"noncharacter":              {"a\ufffeb", "not a character"},
	} {
		got, err := ParseName(test.in)
		var field *FieldError
		if !errors.As(err, &field) || field.Field != "name" {
			t.Errorf("%s: %q, %v; want a FieldError of name", what, got, err)
		} else if !strings.Contains(field.Problem, test.problem) {
			t.Errorf("%s: problem %q does not say %q", what, field.Problem, test.problem)
		}
	}
}

func TestNamesThatLookAlikeFoldAlike(t *testing.T) {
	for _, alike := range [][2]string{
		{"Anna", "anna"}, {"ANNA", "Anna"}, {"Straße", "STRASSE"}, {"Ａｎｎａ", "anna"}, {"ﬁona", "Fiona"},
		{"anna  phone", "anna phone"}, {"an\u200cna", "anna"}, {"❤\ufe0f", "❤"}, {"Σίσυφος", "ΣΊΣΥΦΟΣ"},
		{"a\u0308", "Ä"}, {"ǰ", "J\u030c"},
	} {
		a, errA := ParseName(alike[0])
		b, errB := ParseName(alike[1])
		if errA != nil || errB != nil || a.Folded() != b.Folded() {
			t.Errorf("%q folds to %q (%v), %q to %q (%v)", a, a.Folded(), errA, b, b.Folded(), errB)
		}
	}
	if Name("anna").Folded() == Name("anna 2").Folded() {
		t.Error("different names fold alike")
	}
}

func FuzzParseName(f *testing.F) {
	f.Add("anna's phone")           // the usual
	f.Add("a\nb")                   // breaks lines
	f.Add("👩\u200d👩\u200d👧")        // joiners that belong
	f.Add("\u202eabc\u2069\u200b")  // invisible
	f.Add("e\u0301\u0323 \xff\x00") // reorders under NFC; broken bytes
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseName(s)
		if err != nil {
			return
		}
		again, err := ParseName(string(n))
		if err != nil || again != n {
			t.Errorf("%q is accepted, but then read as %q, %v", n, again, err)
		}
		if l := utf8.RuneCountInString(string(n)); l < 1 || l > maxNameLength {
			t.Errorf("%q has %d characters", n, l)
		}
		for _, r := range n {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("%q contains %U", n, r)
			}
		}
		if f := n.Folded(); f == "" || Name(f).Folded() != f {
			t.Errorf("%q folds to %q, and that to %q", n, f, Name(f).Folded())
		}
		if !fileNamePattern.MatchString(ClientConfig{ID: 7, Name: n}.FileName()) {
			t.Errorf("%q gives the file name %q", n, ClientConfig{ID: 7, Name: n}.FileName())
		}
	})
}
