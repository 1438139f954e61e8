package languages

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

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

// Load returns the texts that are part of the program. Those of a language are read
// when somebody reads that language: they take a megabyte.
func Load() *Catalogue { return loaded() }

// loaded never changes.
var loaded = sync.OnceValue(func() *Catalogue {
	c := &Catalogue{matcher: language.NewMatcher(tags)}
	for _, t := range tags {
		c.languages = append(c.languages, newLanguage(t))
	}
	return c
})

// Forget gives the memory back of the languages that nobody has read for a while, but
// for what is said all the time. It says whether there were any.
func (c *Catalogue) Forget(while time.Duration) (some bool) {
	for _, l := range c.languages {
		some = l.rest.Forget(while) || some
	}
	return some
}

// often is the file whose texts are said all the time, also when nobody looks at the
// page: what the way home is like.
const often = "way"

// texts are those of one language, or some of them.
type texts struct {
	localizer *i18n.Localizer
	parser    template.Parser
	sources   map[string]source // by their English
	filled    []source
	counted   map[string]bool // keys of texts with plural forms
}

// read reads the texts in one language of the files that are wanted. It fails for a file
// that a test of this package refuses, too.
func read(t language.Tag, wanted func(file string) bool) (*texts, error) {
	files, err := fs.Glob(textFiles, "texts/*.toml")
	if err != nil {
		return nil, fmt.Errorf("reading the page's texts: %w", err)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return !wanted(fileOf(f)) })
	bundle := i18n.NewBundle(t)
	read := &texts{localizer: i18n.NewLocalizer(bundle, t.String()), parser: &template.TextParser{Option: "missingkey=error"}, counted: map[string]bool{}}
	english := map[string]string{}
	for _, f := range files {
		if err := read.file(t, f, bundle, english); err != nil {
			return nil, fmt.Errorf("reading the page's texts %s: %w", path.Base(f), err)
		}
	}
	read.sources = bySource(english)
	read.filled = withHoles(read.sources)
	return read, nil
}

// file takes the texts of one file, and notes the English ones and those with
// plural forms.
func (x *texts) file(t language.Tag, file string, bundle *i18n.Bundle, english map[string]string) error {
	raw, err := textFiles.ReadFile(file)
	if err != nil {
		return err
	}
	var entries map[string]entry
	if err := toml.NewDecoder(bytes.NewReader(raw)).DisallowUnknownFields().Decode(&entries); err != nil {
		return err
	}
	for name, e := range entries {
		key := fileOf(file) + "." + name
		m, forms, err := message(key, t, e.in(t))
		if forms {
			x.counted[key] = true
		}
		if err == nil {
			err = bundle.AddMessages(t, m)
		}
		if err != nil {
			return fmt.Errorf("%s in %s: %w", key, t, err)
		}
		if plain, ok := e.EN.(string); ok {
			english[key] = plain
		}
	}
	return nil
}

// fileOf is what the keys of a file's texts begin with.
func fileOf(file string) string { return strings.TrimSuffix(path.Base(file), ".toml") }

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

// English says the texts in English, for logs and the command line.
func English() *Language { return Load().languages[0] }

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
