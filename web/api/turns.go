package api

import (
	"net/http"
	"sync"
)

// Turns has those wait for each other who change the same thing on the page, by a
// program or by the command line: between looking whether it is still what somebody
// saw (If-Match) and changing it, nobody else may. Peers need none: their manager
// compares versions itself. The locks are held while the disk is written, which is
// what they are for, and never while a request is read.
type Turns struct{ House, DNS, Forwards, Backup, Users sync.Mutex }

// Take lets one request at a time through to a page's form.
func Take(turn *sync.Mutex, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm() // what is wrong with it, next will find, too
		turn.Lock()
		defer turn.Unlock()
		next(w, r)
	}
}
