package web

import (
	"errors"

	"homeward/web/languages"
	"homeward/web/words"
)

// problem is an error as a sentence in the page's language, as far as it is one
// that people are told.
func problem(l *languages.Language, err error) string {
	var said languages.Said
	if errors.As(err, &said) {
		format, args := said.Source()
		text, _ := l.Say(format, args...)
		return words.Sentence(text)
	}
	return words.Sentence(l.Plain(err.Error()))
}
