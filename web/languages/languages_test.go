package languages

import (
	html "html/template"
	"strings"
	"testing"
	"time"
)

func load(t *testing.T) *Catalogue {
	t.Helper()
	return Load()
}

func in(t *testing.T, tag string) *Language {
	t.Helper()
	l, ok := load(t).Find(tag)
	if !ok {
		t.Fatalf("there is no language %q", tag)
	}
	return l
}

func TestBrowserLanguageIsTaken(t *testing.T) {
	c := load(t)
	for header, want := range map[string]string{
		"": "en", "de": "de", "de-AT,en;q=0.5": "de", "ru-RU,ru;q=0.9": "ru", "es-419": "es", "fr": "en", "fr,es;q=0.4": "es",
		"en-GB,de;q=0.9": "en", "*": "en", ";;;": "en", strings.Repeat("x", 5000): "en",
	} {
		if got := c.Accepted(header).Tag(); got != want {
			t.Errorf("Accept-Language %.40q: %s, want %s", header, got, want)
		}
	}
	if _, ok := c.Find("fr"); ok {
		t.Error("there is French")
	}
}

func TestPluralsDatesAndNumbers(t *testing.T) {
	at := time.Date(2026, 5, 3, 9, 7, 0, 0, time.Local)
	for _, c := range []struct{ tag, say, want string }{
		{"en", in(t, "en").Ago(time.Minute), "1 minute ago"},
		{"en", in(t, "en").Ago(30 * time.Second), "just now"},
		{"en", in(t, "en").Ago(90 * time.Minute), "90 minutes ago"},
		{"de", in(t, "de").Ago(72 * time.Hour), "vor 3 Tagen"},
		{"de", in(t, "de").Ago(2 * time.Hour), "vor 2 Stunden"},
		{"ru", in(t, "ru").Ago(time.Minute), "1 минуту назад"},
		{"ru", in(t, "ru").Ago(2 * time.Minute), "2 минуты назад"},
		{"ru", in(t, "ru").Ago(5 * time.Minute), "5 минут назад"},
		{"ru", in(t, "ru").Ago(21 * time.Minute), "21 минуту назад"},
		{"ru", in(t, "ru").Ago(12 * time.Minute), "12 минут назад"},
		{"ru", in(t, "ru").Ago(22 * time.Hour), "22 часа назад"},
		{"es", in(t, "es").Ago(49 * time.Hour), "hace 2 días"},
		{"es", in(t, "es").Ago(100000 * 24 * time.Hour), "hace 100\u00a0000 días"},
		{"en", in(t, "en").Date(at), "3 May 2026"},
		{"de", in(t, "de").DateTime(at), "3. Mai 2026, 09:07 Uhr"},
		{"ru", in(t, "ru").Date(at), "3 мая 2026 г."},
		{"es", in(t, "es").Date(at), "3 de mayo de 2026"},
		{"en", in(t, "en").Size(1536), "1.5\u00a0KiB"},
		{"de", in(t, "de").Size(1536), "1,5\u00a0KiB"},
		{"ru", in(t, "ru").Size(5), "5\u00a0Б"},
		{"en", in(t, "en").Number(1234567), "1,234,567"},
		{"de", in(t, "de").Number(-12345), "−12.345"},
		{"ru", in(t, "ru").Number(1234), "1234"},
	} {
		if c.say != c.want {
			t.Errorf("%s says %q, want %q", c.tag, c.say, c.want)
		}
	}
}

func TestOnlyTypedPartsAreMarkup(t *testing.T) {
	page := html.Must(html.New("").Funcs(Funcs(in(t, "en"))).Parse(`{{t "login.lost" "Command" .}}`))
	say := func(v any) string {
		var b strings.Builder
		if err := page.Execute(&b, v); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if got := say("<script>"); !strings.Contains(got, "run &lt;script&gt;.") {
		t.Errorf("a plain value: %q", got)
	}
	if got := say(element("code", "<i>x")); !strings.Contains(got, "run <code>&lt;i&gt;x</code>.") {
		t.Errorf("a typed part: %q", got)
	}
	both, err := in(t, "en").Text("format.datetime", "Date", "<b>", "Clock", element("b", "1"))
	if both != html.HTML("&lt;b&gt;, <b>1</b>") || err != nil {
		t.Errorf("a plain value beside a typed part: %q, %v", both, err)
	}
}

func TestWrongKeysAndParametersAreErrors(t *testing.T) {
	l := in(t, "de")
	for _, args := range [][]any{{"login.nothing"}, {"login.lost"}, {"login.lost", "Command"}, {"login.lost", 1, 2}, {"format.days_ago", "Count", "many"}} {
		if text, err := l.Text(args[0].(string), args[1:]...); err == nil {
			t.Errorf("%v says %q", args, text)
		}
	}
	if got := l.T("login.nothing"); got != "login.nothing" {
		t.Errorf("a key without a text shows as %q", got)
	}
	if got := l.Code("login", "lost-not"); got != "lost-not" {
		t.Errorf("a code without a text shows as %q", got)
	}
}
