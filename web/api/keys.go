package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"homeward/configs/secret"
	"homeward/web/account"
	"homeward/web/api/once"
)

// keyHeader is the request header by which a program may send a creation again.
const keyHeader = "Idempotency-Key"

// maxKey is the most characters that a key has.
const maxKey = 255

// repeat says what becomes of a creation that is sent again with the same key.
type repeat int

const (
	notRepeatable repeat = iota
	repeatable
	repeatableSecret // the answer has a secret, and is soon forgotten
)

// withKeys lets the rows that create something be sent again.
func withKeys(h handler, rows []Route) []Route {
	var store once.Store
	says := operations()
	for i, r := range rows {
		if again := says[r.Method+" "+r.Pattern].Again; again != notRepeatable {
			rows[i].Handle = h.repeatable(&store, again == repeatableSecret, r.Handle)
		}
	}
	return rows
}

// repeatable answers a request with a key as it did the first time.
func (h handler) repeatable(store *once.Store, hide bool, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header.Values(keyHeader)) == 0 {
			next(w, r)
			return
		}
		text, err := keyOf(r)
		var body []byte
		if err == nil {
			body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		}
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			err = &requestError{http.StatusRequestEntityTooLarge, "the body is larger than 64 KiB"}
		}
		if err != nil {
			h.fail(w, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		who := account.CallerOf(r.Context())
		key := once.Key{Caller: strconv.FormatInt(who.ID, 10) + "/" + who.Token, Text: text}
		a, again, err := store.Do(r.Context(), key, fingerprint(r, body), hide, func() once.Answer {
			out := written{header: http.Header{}, status: http.StatusOK}
			next(&out, r)
			return once.Answer{Status: out.status, Header: out.header, Body: secret.NewText(out.body.String())}
		})
		switch {
		case errors.Is(err, once.ErrOther):
			err = &requestError{http.StatusUnprocessableEntity, err.Error()}
		case errors.Is(err, once.ErrForgotten):
			err = &requestError{http.StatusGone, err.Error()}
		case err != nil:
			return // nobody waits any more
		}
		if err != nil {
			h.fail(w, err)
			return
		}
		for k, v := range a.Header {
			w.Header()[k] = v
		}
		if again {
			w.Header().Set("Idempotency-Replayed", "true")
		}
		w.WriteHeader(a.Status)
		io.WriteString(w, a.Body.Reveal()) // the client went away: nobody to tell
	}
}

// keyOf reads a request's key: as it is or, as the draft has it, as a quoted string
// of structured fields (RFC 9651).
func keyOf(r *http.Request) (string, error) {
	all := r.Header.Values(keyHeader)
	key := all[0]
	if quoted, ok := strings.CutPrefix(key, `"`); ok {
		if key, ok = strings.CutSuffix(quoted, `"`); !ok || strings.ContainsAny(key, `"\`) {
			key = ""
		}
	}
	if len(all) > 1 || key == "" || len(key) > maxKey || strings.ContainsFunc(key, func(c rune) bool { return c < ' ' || c > '~' }) {
		return "", &requestError{http.StatusBadRequest, fmt.Sprintf("%s has to be one text of 1 to %d plain characters: a UUID does", keyHeader, maxKey)}
	}
	return key, nil
}

// fingerprint is of all that a request asks for.
func fingerprint(r *http.Request, body []byte) once.Request {
	b, err := json.Marshal([]string{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type")})
	if err != nil {
		panic(err) // texts are JSON
	}
	return sha256.Sum256(append(b, body...))
}

// written is an answer that was not sent yet.
type written struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (w *written) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *written) WriteHeader(status int) { w.status = status }

// Write implements http.ResponseWriter.
func (w *written) Write(b []byte) (int, error) { return w.body.Write(b) }
