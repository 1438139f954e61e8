package languages

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"
)

//go:embed texts
var textFiles embed.FS

// tags are the languages there are, the first of them for everybody else.
var tags = []language.Tag{language.English, language.German, language.Russian, language.Spanish}

// Catalogue has all texts in all languages. It never changes.
type Catalogue struct {
	languages []*Language // as tags
	matcher   language.Matcher
}

// entry is a text in each language: a string, or a table of its plural forms.
type entry struct {
	EN, DE, RU, ES any
}

func (e entry) in(t language.Tag) any {
	switch t {
	case language.German:
		return e.DE
	case language.Russian:
		return e.RU
	case language.Spanish:
		return e.ES
	}
	return e.EN
}

// Load returns the texts that are part of the program, which are read once: they
// take megabytes. It fails for a file that a test of this package refuses, too.
func Load() (*Catalogue, error) { return loaded() }

// loaded never changes.
var loaded = sync.OnceValues(readAll)

func readAll() (*Catalogue, error) {
	files, err := fs.Glob(textFiles, "texts/*.toml")
	if err != nil {
		return nil, fmt.Errorf("reading the page's texts: %w", err)
	}
	bundle := i18n.NewBundle(tags[0])
	c := &Catalogue{matcher: language.NewMatcher(tags)}
	english, counted := map[string]string{}, map[string]bool{}
	for _, f := range files {
		if err := read(bundle, f, english, counted); err != nil {
			return nil, fmt.Errorf("reading the page's texts %s: %w", path.Base(f), err)
		}
	}
	parser := &template.TextParser{Option: "missingkey=error"}
	sources := bySource(english)
	filled := withHoles(sources)
	for _, t := range tags {
		c.languages = append(c.languages, newLanguage(t, i18n.NewLocalizer(bundle, t.String()), parser, sources, filled, counted))
	}
	return c, nil
}

// read takes the texts of one file, and notes the English ones and those with
// plural forms.
func read(bundle *i18n.Bundle, file string, english map[string]string, counted map[string]bool) error {
	raw, err := textFiles.ReadFile(file)
	if err != nil {
		return err
	}
	var entries map[string]entry
	if err := toml.NewDecoder(strings.NewReader(string(raw))).DisallowUnknownFields().Decode(&entries); err != nil {
		return err
	}
	for name, e := range entries {
		key := strings.TrimSuffix(path.Base(file), ".toml") + "." + name
		for _, t := range tags {
			m, forms, err := message(key, t, e.in(t))
			if forms {
				counted[key] = true
			}
			if err == nil {
				err = bundle.AddMessages(t, m)
			}
			if err != nil {
				return fmt.Errorf("%s in %s: %w", key, t, err)
			}
		}
		if plain, ok := e.EN.(string); ok {
			english[key] = plain
		}
	}
	return nil
}

// message makes a text of what the file says; forms says that it has plural
// forms. Spanish has one for millions and Russian one for fractions, which the
// page does not count: they are said as the nearest one.
func message(key string, t language.Tag, text any) (m *i18n.Message, forms bool, err error) {
	m = &i18n.Message{ID: key}
	switch text := text.(type) {
	case string:
		m.Other = text // each form costs memory
		return m, false, nil
	case map[string]any:
		into := map[string]*string{"one": &m.One, "few": &m.Few, "many": &m.Many, "other": &m.Other}
		for name, form := range text {
			s, ok := form.(string)
			if into[name] == nil || !ok {
				return nil, false, fmt.Errorf("%q is no plural form", name)
			}
			*into[name] = s
		}
		switch t {
		case language.Russian:
			m.Other = m.Few
		case language.Spanish:
			m.Many = m.Other
		}
		return m, true, nil
	}
	return nil, false, fmt.Errorf("there is no text")
}

// english is read once: it never changes.
var english = sync.OnceValue(func() *Language {
	c, err := Load()
	if err != nil {
		panic(err) // the texts are part of the program, and tests read them
	}
	l, _ := c.Find(language.English.String())
	return l
})

// English says the texts in English, for logs and the command line.
func English() *Language { return english() }

// All lists the languages there are.
func (c *Catalogue) All() []*Language { return c.languages }

// Find returns the language with a tag of All, such as "de".
func (c *Catalogue) Find(tag string) (*Language, bool) {
	for i, t := range tags {
		if t.String() == tag {
			return c.languages[i], true
		}
	}
	return nil, false
}

// Accepted returns the language that suits best what a browser asks for by
// Accept-Language: English if none does.
func (c *Catalogue) Accepted(header string) *Language {
	_, i := language.MatchStrings(c.matcher, header)
	return c.languages[i]
}
