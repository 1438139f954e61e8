package languages

import (
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"
)

// wantForms are the plural forms that a file gives for each language.
var wantForms = map[language.Tag][]string{
	language.English: {"one", "other"}, language.German: {"one", "other"}, language.Russian: {"few", "many", "one"}, language.Spanish: {"one", "other"},
}

var placeholder = regexp.MustCompile(`\{\{\.([A-Za-z]+)\}\}`)

// entries reads all texts as the files have them.
func entries(t *testing.T) map[string]entry {
	t.Helper()
	files, err := fs.Glob(textFiles, "texts/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no texts: %v", err)
	}
	all := map[string]entry{}
	for _, f := range files {
		raw, err := textFiles.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var in map[string]entry
		if err := toml.NewDecoder(strings.NewReader(string(raw))).DisallowUnknownFields().Decode(&in); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for name, e := range in {
			all[strings.TrimSuffix(path.Base(f), ".toml")+"."+name] = e
		}
	}
	return all
}

// formsOf are the forms of a text, the only one of a plain text by itself.
func formsOf(text any) map[string]string {
	forms := map[string]string{}
	switch text := text.(type) {
	case string:
		forms[""] = text
	case map[string]any:
		for name, form := range text {
			forms[name], _ = form.(string)
		}
	}
	return forms
}

// params are the parameters of a text, in order.
func params(text any) []string {
	names := map[string]bool{}
	for _, form := range formsOf(text) {
		for _, m := range placeholder.FindAllStringSubmatch(form, -1) {
			names[m[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func TestEveryTextIsThereInEveryLanguage(t *testing.T) {
	for key, e := range entries(t) {
		english := params(e.EN)
		for _, tag := range tags {
			text := e.in(tag)
			forms := formsOf(text)
			if len(forms) == 0 {
				t.Errorf("%s: %s has no text", key, tag)
			}
			for name, form := range forms {
				rest := placeholder.ReplaceAllString(form, "")
				if form == "" || form != strings.Trim(form, " \t\n") {
					t.Errorf("%s: %s is empty or has space around it: %q %q", key, tag, name, form)
				}
				if strings.ContainsAny(rest, "<>&{}") {
					t.Errorf("%s: %s has markup, which belongs into the template: %q", key, tag, form)
				}
			}
			if p := params(text); !slices.Equal(p, english) {
				t.Errorf("%s: %s has the parameters %v and English %v", key, tag, p, english)
			}
			if _, plain := text.(string); !plain && !slices.Equal(slices.Sorted(maps.Keys(forms)), wantForms[tag]) {
				t.Errorf("%s: %s has the plural forms %v, want %v", key, tag, slices.Sorted(maps.Keys(forms)), wantForms[tag])
			}
		}
		if slices.Contains(english, "Count") {
			if _, plain := e.RU.(string); plain && strings.Contains(e.RU.(string), "{{.Count}} ") {
				t.Errorf("%s: what is counted has no plural forms in Russian", key)
			}
		}
	}
}

func TestRussianIsWrittenInRussian(t *testing.T) {
	latin := regexp.MustCompile(`\p{Latin}`)
	for key, e := range entries(t) {
		for _, form := range formsOf(e.RU) {
			if rest := placeholder.ReplaceAllString(form, ""); !regexp.MustCompile(`\p{Cyrillic}`).MatchString(rest) && latin.MatchString(rest) && formsOf(e.EN)[""] == form && strings.Contains(form, " ") {
				t.Errorf("%s: the Russian text is the English one: %q", key, form)
			}
		}
	}
}
