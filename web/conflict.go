package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"

	"homeward/peers"
)

// Of two people who have the same form open, the second one would overwrite what the
// first one saved without knowing it. So a form has a hidden field with the version of
// what it shows, as programs have ETags, and changes nothing when there is another one by
// now. What was typed stays, with what the other one saved beside it.

// versionField is the hidden field's name.
const versionField = "version"

// versionOf names what a form shows.
func versionOf(shown ...any) string {
	b, err := json.Marshal(shown)
	if err != nil {
		panic(err) // strings and flags of our own
	}
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// stillThat fails with peers.ErrConflict when a form was filled in that shows another
// version than the present one. Whoever sends no version wants the last one to win, as
// programs do without If-Match.
func stillThat(r *http.Request, version string) error {
	if sent, there := r.PostForm[versionField]; there && (len(sent) != 1 || sent[0] != version) {
		return peers.ErrConflict
	}
	return nil
}

// changedTo lists what of some fields is another one now than was typed.
func changedTo(fields []typedField) (list []difference) {
	for _, f := range fields {
		if f.typed != f.now {
			list = append(list, difference{f.label, f.now})
		}
	}
	return list
}

// typedField is a field of a form, in words.
type typedField struct{ label, typed, now string }
