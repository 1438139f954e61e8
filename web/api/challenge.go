package api

import (
	"net/http"

	"homeward/web/account"
)

// RefuseUnknown asks a program for a token (RFC 6750, section 3), or says that the one
// that it sent is wrong. Browsers ask nobody for one.
func RefuseUnknown(w http.ResponseWriter, wrongToken bool, detail string) {
	challenge := `Bearer realm="homeward"`
	if wrongToken {
		challenge += `, error="invalid_token"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	Refuse(w, http.StatusUnauthorized, detail)
}

// RefuseScope says which scope a token lacks.
func RefuseScope(w http.ResponseWriter, needs account.Scope) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="homeward", error="insufficient_scope", scope="`+string(needs)+`"`)
	Refuse(w, http.StatusForbidden, "this token may not do this: it needs "+string(needs))
}
