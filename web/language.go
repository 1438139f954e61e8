package web

import (
	"net/http"
	"slices"

	"homeward/web/languages"
)

// What a browser remembers of how the page should be. Neither is a secret, and
// both are wanted on pages without a login, too.
const (
	languageCookie = "homeward-language"
	lookCookie     = "homeward-look"
)

// looks are the looks to choose from; auto is the browser's.
var looks = []string{"auto", "light", "dark"}

// language is the page's: the one that was chosen, else the browser's, else
// English.
func (s *Server) language(r *http.Request) *languages.Language {
	if c, err := r.Cookie(languageCookie); err == nil {
		if l, ok := s.languages.Find(c.Value); ok {
			return l
		}
	}
	return s.languages.Accepted(r.Header.Get("Accept-Language"))
}

// look is how the page should look.
func look(r *http.Request) string {
	if c, err := r.Cookie(lookCookie); err == nil && slices.Contains(looks, c.Value) {
		return c.Value
	}
	return looks[0]
}
