package languages

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// places are where the English sentences come from that are found by themselves:
// all in the calls of a function must have a text.
var places = []struct {
	files, function string
	argument        int
	but             []string // files whose sentences the page does not show
}{
	{"../../peers/*.go", "fieldErrorf", 1, []string{"invite.go"}},
	{"../../peers/endpoint.go", "New", 0, nil},
	{"../../cmd/homeward/internal/house/*.go", "NewFieldError", 1, nil},
	{"../../peers/errors.go", "New", 0, nil},
	{"../../upnp/ddns/client.go", "faultf", 0, nil},
	{"../../upnp/ddns/client.go", "faultf", 1, nil},
	{"../../upnp/ddns/cloudflare.go", "faultf", 1, nil},
	{"../../configs/backup/*.go", "refuse", 1, nil},
	{"../../peers/imports/*.go", "add", 1, nil},
	{"../../peers/imports/*.go", "drop", 0, nil},
	{"../account/tokens/token.go", "New", 0, nil},
	{"../account/passkeys/errors.go", "New", 0, nil},
	{"../account/password.go", "passwordErrorf", 0, nil},
	{"../../upnp/advice.go", "Sprintf", 0, nil},
	{"../../upnp/second.go", "Sprintf", 0, nil},
	{"../../upnp/pinhole.go", "Sprintf", 0, nil},
}

// elsewhere are files in which the English of texts may stand, besides.
var elsewhere = []string{"../../peers/*.go", "../../peers/imports/*.go", "../account/*.go", "../account/tokens/*.go", "../account/passkeys/*.go", "../api/*.go", "../*.go", "../../upnp/*.go", "../../upnp/risk/*.go", "../../upnp/guide/*.go", "../../upnp/forwards/*.go", "../../upnp/ddns/*.go", "../../cmd/homeward/*.go", "../../cmd/homeward/internal/dnsname/*.go", "../../cmd/homeward/internal/house/*.go", "../../tunnel/*.go", "../../tunnel/internal/bind/*.go", "../../tunnel/internal/kernel/*.go", "../../tunnel/internal/netstack/*.go", "../../configs/backup/*.go", "../../cmd/homeward/internal/backups/*.go"}

// unsaid never reach a page by themselves.
var unsaid = []string{"the name is taken", "the public key is taken", "%.80q is not written as a plain host", "%s has port 0: use 1 to 65535", "%s"}

// literals visits the strings of files, with the calls whose arguments they are.
func literals(t *testing.T, pattern string, visit func(file, text string, call *ast.CallExpr, argument int)) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		at := map[ast.Expr]struct {
			call *ast.CallExpr
			i    int
		}{}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				for i, a := range c.Args {
					at[a] = struct {
						call *ast.CallExpr
						i    int
					}{c, i}
				}
			}
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				text, err := strconv.Unquote(l.Value)
				if err != nil {
					t.Fatal(err)
				}
				visit(filepath.Base(f), text, at[l].call, at[l].i)
			}
			return true
		})
	}
}

func TestSentencesFromElsewhereAreInTheCatalogue(t *testing.T) {
	l := in(t, "de")
	for _, p := range places {
		found := 0
		literals(t, p.files, func(file, text string, call *ast.CallExpr, argument int) {
			if call == nil || called(call) != p.function || argument != p.argument || slices.Contains(p.but, file) || slices.Contains(unsaid, text) {
				return
			}
			found++
			if p.function == "passwordErrorf" {
				text = "the password " + text
			}
			if _, ok := l.rest.Get().sources[verbs.ReplaceAllString(text, hole)]; !ok {
				t.Errorf("%s: there is no text for %q", file, text)
			}
		})
		if found < 4 {
			t.Errorf("%s: only %d calls of %s were found: the test looks at the wrong place", p.files, found, p.function)
		}
	}
}

func TestRisksAreInTheCatalogue(t *testing.T) {
	l, found := in(t, "de"), 0
	literals(t, "../../upnp/risk/*.go", func(file, text string, _ *ast.CallExpr, _ int) {
		if !strings.HasSuffix(text, ".") || !strings.Contains(text, " ") {
			return
		}
		found++
		text = strings.TrimPrefix(text, " ")
		if _, ok := l.rest.Get().sources[verbs.ReplaceAllString(text, hole)]; !ok && text != "Only %s may use it." {
			t.Errorf("%s: there is no text for %q", file, text)
		}
	})
	if found < 40 {
		t.Errorf("only %d sentences were found: the test looks at the wrong place", found)
	}
}

func TestTextsForSentencesFromElsewhereAreStillSaidThere(t *testing.T) {
	var there []string
	for _, pattern := range elsewhere {
		literals(t, pattern, func(_, text string, _ *ast.CallExpr, _ int) {
			there = append(there, verbs.ReplaceAllString(text, hole))
		})
	}
	for english, s := range in(t, "en").rest.Get().sources {
		// What is added up of several is held by its longest part.
		longest := ""
		for _, part := range strings.Split(english, hole) {
			if part = strings.Trim(part, " .()“”"); len(part) > len(longest) {
				longest = part
			}
		}
		if name, _, ok := strings.Cut(longest, " "); ok && slices.Contains([]string{"name", "external", "last", "internal", "machine", "protocol"}, name) {
			longest = strings.TrimPrefix(longest, name+" ") // the error says its field before
		}
		longest = strings.TrimPrefix(longest, "the password ")
		if !slices.ContainsFunc(there, func(l string) bool { return strings.Contains(l, longest) }) {
			t.Errorf("nobody says %s: %q", s.key, strings.ReplaceAll(english, hole, "…"))
		}
	}
}

// inner is a sentence within another one.
type inner struct{ text string }

func (i inner) Source() (string, []any) { return i.text, nil }

func TestSentencesAreSaidWithWhatGoesIntoThem(t *testing.T) {
	de := in(t, "de")
	for _, c := range []struct {
		format string
		args   []any
		want   string
		ok     bool
	}{
		{"another device is already called %q: choose a different name", []any{"Anna <b>"}, `ein anderes Gerät heißt schon "Anna <b>": wählen Sie einen anderen Namen`, true},
		{"%d characters are too many: a name has at most %d", []any{70, 64}, "70 Zeichen sind zu viele: ein Name hat höchstens 64", true},
		{"%.60q %s", []any{"x", "is no range: write the lower address of the same kind first"}, `"x" ist kein Bereich: schreiben Sie die kleinere Adresse derselben Art zuerst`, true},
		{"%.60q %s", []any{"x", inner{"is no range: write the lower address of the same kind first"}}, `"x" ist kein Bereich: schreiben Sie die kleinere Adresse derselben Art zuerst`, true},
		{"the sky is %s", []any{"blue"}, "the sky is blue", false},
		{"%d characters are too many: a name has at most %d", []any{70}, "70 characters are too many: a name has at most %!d(MISSING)", false},
	} {
		if got, ok := de.Say(c.format, c.args...); got != c.want || ok != c.ok {
			t.Errorf("%q of %v: %q, %v, want %q, %v", c.format, c.args, got, ok, c.want, c.ok)
		}
	}
	if got := de.Plain("that is not the password"); got != "das ist nicht das Passwort" {
		t.Errorf("plain: %q", got)
	}
	for english, want := range map[string]string{
		"Your router (FRITZ!Box) stopped answering. If it isn't just restarting, restart it, or forward UDP port 51820 to 192.168.1.5:51820 there (“port forwarding” or “virtual server”).": "Ihr Router (FRITZ!Box) antwortet nicht mehr. Falls er nicht gerade neu startet, starten Sie ihn neu, oder: dort UDP-Port 51820 an 192.168.1.5:51820 weiterleiten („Portfreigabe“, „Portweiterleitung“ oder „Virtual Server“).",
		"The router lets a machine open ports only to itself (its “secure mode”), and 192.168.1.9 is another one. Enter the rule in the router by hand.":                                    "Der Router lässt ein Gerät Ports nur zu sich selbst öffnen (sein „Secure Mode“), und 192.168.1.9 ist ein anderes. Tragen Sie die Regel am Router von Hand ein.",
		"TCP 22 on the router already goes to 192.168.1.9 (“nas”). Choose another port, or remove that entry.":                                                                              "TCP 22 am Router führt schon zu 192.168.1.9 („nas“). Wählen Sie einen anderen Port oder entfernen Sie diesen Eintrag.",
		"FTP is open to the internet: it sends passwords and files unencrypted. Only 203.0.113.9 may use it.":                                                                               "FTP ist aus dem Internet erreichbar: Es sendet Passwörter und Dateien unverschlüsselt. Nur 203.0.113.9 darf ihn benutzen.",
	} {
		if got := de.Plain(english); got != want {
			t.Errorf("%q:\n%q, want\n%q", english, got, want)
		}
	}
	if got := de.Plain("100% of it"); got != "100% of it" {
		t.Errorf("plain without a text: %q", got)
	}
}

// problemFiles are where the sentences come from that a joint of the way home advises
// without a code, and those of the house's DNS name.
var problemFiles = []struct {
	files string
	least int // sentences that must be found, else the test looks at the wrong place
}{
	{"../../tunnel/tunnel.go", 3}, {"../../tunnel/internal/bind/watch.go", 2}, {"../../tunnel/internal/kernel/watch_linux.go", 2},
	{"../../tunnel/internal/kernel/plane_linux.go", 1}, {"../../tunnel/internal/kernel/forward_linux.go", 4}, {"../../tunnel/internal/netstack/ping.go", 1}, {"../../cmd/homeward/lastgood.go", 5},
}

func TestProblemsOfTheTunnelAndTheDatabaseAreInTheCatalogue(t *testing.T) {
	l := in(t, "de")
	for _, p := range problemFiles {
		found := 0
		literals(t, p.files, func(file, text string, call *ast.CallExpr, _ int) {
			forPeople := strings.Count(text, " ") >= 6 && (strings.HasSuffix(text, ".") || strings.Contains(text, ": ") || strings.HasSuffix(text, "%d"))
			if call != nil && slices.Contains([]string{"Errorf", "Info", "Warn", "Error", "Debug", "New"}, called(call)) || !forPeople {
				return
			}
			found++
			if _, ok := l.rest.Get().sources[verbs.ReplaceAllString(text, hole)]; !ok {
				t.Errorf("%s: there is no text for %q", file, text)
			}
		})
		if found < p.least {
			t.Errorf("%s: only %d sentences were found, want %d", p.files, found, p.least)
		}
	}
}

// What was filled in is found again, also where one sentence follows another.
func TestProblemsOfTheTunnelAreSaidInGerman(t *testing.T) {
	l := in(t, "de")
	for english, want := range map[string]string{
		"The UDP port 51820 was deaf and cannot be opened anew: permission denied.":                                                              "Der UDP-Port 51820 war taub",
		"Names cannot be looked up inside the tunnel: x. Nothing but names can be reached until the box's own addresses can be read: no such y.": "Im Tunnel lassen sich keine Namen nachschlagen: x. Erreichbar sind nur Namen",
		"Device 7 (\"a b\") is damaged in the database and stays out.":                                                                           "Gerät 7 (\"a b\") ist in der Datenbank beschädigt",
		"DuckDNS refused the credentials (KO)":                                                                                                   "DuckDNS hat die Zugangsdaten abgelehnt (KO)",
	} {
		if got := l.Plain(english); !strings.HasPrefix(got, want) {
			t.Errorf("%q is said as %q", english, got)
		}
	}
}
