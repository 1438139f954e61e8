package languages

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Said is a sentence of another part of the program, which does not know the
// page's language: a format of package fmt in English, and what goes into it.
type Said interface {
	Source() (format string, args []any)
}

// sourceFiles are the texts that are found by their English, whose placeholders
// stand for the format's verbs in their order.
var sourceFiles = []string{"advice", "backups", "errors", "imports", "risks"}

// source is a text that is found by its English.
type source struct {
	key    string
	params []string // in the order of the English text

	words int      // how long the English text is
	parts []string // what stands between the holes; nil where there are none
}

var (
	verbs        = regexp.MustCompile(`%[-+# 0]*[0-9]*(\.[0-9]+)?[a-zA-Z]`)
	placeholders = regexp.MustCompile(`\{\{\.([A-Za-z]+)\}\}`)
)

// hole stands for a verb or a placeholder where two English texts are compared.
const hole = "\x00"

// maxPlain bounds the sentences that are looked through, in bytes.
const maxPlain = 2000

// withHoles are the texts in which something is filled in, the most particular
// ones first: those with the most words of their own.
func withHoles(all map[string]source) []source {
	var list []source
	for english, s := range all {
		if len(s.params) > 0 && strings.Trim(english, hole+" .,:()") != "" {
			s.parts, s.words = strings.Split(english, hole), len(english)
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b source) int { return cmp.Or(cmp.Compare(b.words, a.words), cmp.Compare(a.key, b.key)) })
	return list
}

// bySource lists the texts that are found by their English.
func bySource(english map[string]string) map[string]source {
	all := map[string]source{}
	for key, text := range english {
		file, _, _ := strings.Cut(key, ".")
		if !slices.Contains(sourceFiles, file) {
			continue
		}
		s := source{key: key}
		for _, m := range placeholders.FindAllStringSubmatch(text, -1) {
			s.params = append(s.params, m[1])
		}
		all[placeholders.ReplaceAllString(text, hole)] = s
	}
	return all
}

// Plain says an English sentence of which the format is not known any more. What
// went into it is found again by comparing it with the texts that have holes. It
// is said as it is where there is no text for it.
func (l *Language) Plain(english string) string {
	if len(english) > maxPlain {
		return english
	}
	// Several sentences come first: what goes into the hole of the first could be all
	// the others.
	if text, ok := l.sentences(english); ok {
		return text
	}
	if text, ok := l.find(english); ok {
		return text
	}
	return english
}

// sentences says several sentences, if each of them has its own text.
func (l *Language) sentences(english string) (text string, ok bool) {
	parts := strings.SplitAfter(english, ". ")
	if len(parts) == 1 {
		return "", false
	}
	for i, p := range parts {
		text, ok := l.find(strings.TrimSuffix(p, " "))
		if !ok {
			return "", false
		}
		parts[i] = text
	}
	return strings.Join(parts, " "), true
}

// find says one English sentence, or several that are one text.
func (l *Language) find(english string) (text string, ok bool) {
	if s, ok := l.rest.Get().sources[english]; ok && len(s.params) == 0 {
		return l.T(s.key), true
	}
	for _, s := range l.rest.Get().filled {
		found, ok := fillings(s.parts, english)
		if !ok {
			continue
		}
		var pairs []any
		for i, value := range found {
			pairs = append(pairs, s.params[i], l.Plain(value))
		}
		return l.T(s.key, pairs...), true
	}
	return "", false
}

// Say says an English sentence in this language; ok is false where there is no
// text for it, and the answer is the English one.
func (l *Language) Say(format string, args ...any) (said string, ok bool) {
	s, ok := l.rest.Get().sources[verbs.ReplaceAllString(format, hole)]
	each := verbs.FindAllString(format, -1)
	if !ok || len(s.params) != len(args) || len(each) != len(args) {
		return fmt.Sprintf(format, args...), false
	}
	var pairs []any
	for i, a := range args {
		value := ""
		if inner, is := a.(Said); is {
			f, more := inner.Source()
			value, _ = l.Say(f, more...)
		} else {
			value = l.Plain(fmt.Sprintf(each[i], a))
		}
		pairs = append(pairs, s.params[i], value)
	}
	text, err := l.Text(s.key, pairs...)
	if err != nil {
		return fmt.Sprintf(format, args...), false
	}
	return fmt.Sprint(text), true
}
