package languages

import (
	"fmt"
	html "html/template"
	"strconv"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"homeward/web/onuse"
)

// Language says the texts in one language. It is safe for use by many at once.
type Language struct {
	tag         language.Tag
	often, rest *onuse.Value[*texts]
}

func newLanguage(t language.Tag) *Language {
	of := func(wanted func(file string) bool) *onuse.Value[*texts] {
		return onuse.New(func() *texts {
			x, err := read(t, wanted)
			if err != nil {
				panic(err) // the texts are part of the program, and tests read them
			}
			return x
		})
	}
	return &Language{t, of(func(file string) bool { return file == often }), of(func(file string) bool { return file != often })}
}

// texts are those among which a key's is.
func (l *Language) texts(key string) *texts {
	if strings.HasPrefix(key, often+".") {
		return l.often.Get()
	}
	return l.rest.Get()
}

// Tag is the language's code as in <html lang>: "de".
func (l *Language) Tag() string { return l.tag.String() }

// Name is what the language is called by those who speak it.
func (l *Language) Name() string { return l.T("format.name") }

// Text says what is under a key, with pairs of a parameter's name and its value.
// Count chooses the plural form. The answer is a string, or html.HTML if one of
// the values is.
func (l *Language) Text(key string, pairs ...any) (any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("text %q: a parameter has no value", key)
	}
	texts := l.texts(key)
	config := i18n.LocalizeConfig{MessageID: key, TemplateParser: texts.parser}
	isHTML := false
	for i := 1; i < len(pairs); i += 2 {
		_, is := pairs[i].(html.HTML)
		isHTML = isHTML || is
	}
	data := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("text %q: %v is no parameter's name", key, pairs[i])
		}
		value := pairs[i+1]
		if name == "Count" {
			n, err := strconv.Atoi(fmt.Sprint(value))
			if err != nil {
				return nil, fmt.Errorf("text %q: its count %v is no whole number", key, value)
			}
			if value = l.Number(n); texts.counted[key] {
				config.PluralCount = n
			}
		}
		if _, safe := value.(html.HTML); isHTML && !safe {
			value = html.HTMLEscapeString(fmt.Sprint(value))
		}
		data[name] = value
	}
	config.TemplateData = data
	text, err := texts.localizer.Localize(&config)
	if err != nil {
		return nil, fmt.Errorf("saying text %q in %s: %w", key, l.tag, err)
	}
	if isHTML {
		return html.HTML(text), nil // ours has no markup, which a test holds, and the values are escaped or made by us
	}
	return text, nil
}

// T says what is under a key, as plain text. A key that is wrong shows as itself;
// a test of web looks at all of them.
func (l *Language) T(key string, pairs ...any) string {
	text, err := l.Text(key, pairs...)
	if err != nil {
		return key
	}
	return fmt.Sprint(text)
}

// Code says the text that belongs to a code below a prefix, or the code itself
// if it has none.
func (l *Language) Code(prefix, code string, pairs ...any) string {
	if text, ok := l.Find(prefix, code, pairs...); ok {
		return text
	}
	return code
}

// Find says the text that belongs to a code below a prefix, if there is one.
func (l *Language) Find(prefix, code string, pairs ...any) (string, bool) {
	text, err := l.Text(prefix+"_"+strings.ReplaceAll(code, "-", "_"), pairs...)
	if err != nil {
		return "", false
	}
	return fmt.Sprint(text), true
}

// Date is a day in the box's time zone.
func (l *Language) Date(t time.Time) string {
	t = t.Local()
	month := l.T("format.month_" + strconv.Itoa(int(t.Month())))
	return l.T("format.date", "Day", t.Day(), "Month", month, "Year", t.Year())
}

// DateTime is a day and a minute in the box's time zone.
func (l *Language) DateTime(t time.Time) string {
	return l.T("format.datetime", "Date", l.Date(t), "Clock", l.Clock(t))
}

// Clock is a time of day, which all four languages write alike.
func (l *Language) Clock(t time.Time) string { return t.Local().Format("15:04") }

// Number is a whole number with its groups of three.
func (l *Language) Number(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "−", s[1:]
	}
	if len(s) < 5 { // four digits stand alone in Spanish and Russian
		return sign + s
	}
	group := l.T("format.group")
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + group + s[i:]
	}
	return sign + s
}

// Size is a number of bytes for a person.
func (l *Language) Size(n uint64) string {
	f, u := float64(n), 0
	for f >= 1024 && u < 4 {
		f, u = f/1024, u+1
	}
	unit := l.T("format.size_" + strconv.Itoa(u))
	if u == 0 {
		return strconv.FormatUint(n, 10) + "\u00a0" + unit
	}
	return strings.Replace(strconv.FormatFloat(f, 'f', 1, 64), ".", l.T("format.decimal"), 1) + "\u00a0" + unit
}

// Ago says how long something was before now.
func (l *Language) Ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return l.T("format.just_now")
	case d < 2*time.Hour:
		return l.T("format.minutes_ago", "Count", int(d/time.Minute))
	case d < 48*time.Hour:
		return l.T("format.hours_ago", "Count", int(d/time.Hour))
	}
	return l.T("format.days_ago", "Count", int(d/(24*time.Hour)))
}
