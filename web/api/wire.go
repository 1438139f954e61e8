package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"homeward/peers"
	"homeward/peers/imports"
	"homeward/web/account"
)

// maxBody is enough for every request there is.
const maxBody = 64 << 10

// requestError is a request that cannot be understood.
type requestError struct {
	status int
	detail string
}

func (e *requestError) Error() string { return e.detail }

// read decodes a JSON body strictly: the right content type, known members
// only, one value.
func read(w http.ResponseWriter, r *http.Request, into any) error {
	return readUpTo(w, r, into, maxBody)
}

// readUpTo reads a body of at most that many bytes.
func readUpTo(w http.ResponseWriter, r *http.Request, into any, most int64) error {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return &requestError{http.StatusUnsupportedMediaType, "the body must be sent as application/json"}
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &requestError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d KiB", tooLarge.Limit>>10)}
	}
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && wrongType.Field != "" {
		return &peers.FieldError{Field: wrongType.Field, Problem: "is a JSON " + wrongType.Value + ", which it cannot be"}
	}
	if err != nil {
		return &requestError{http.StatusBadRequest, "the body cannot be read: " + err.Error()}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return &requestError{http.StatusBadRequest, "the body has more than one value"}
	}
	return nil
}

func (h handler) reply(w http.ResponseWriter, status int, body any) {
	send(w, status, "application/json", body)
}

func send(w http.ResponseWriter, status int, contentType string, body any) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) // the client went away: nobody to tell
}

// fail answers with what went wrong. Only errors that are not the caller's
// own are logged, and their text stays inside.
func (h handler) fail(w http.ResponseWriter, err error) {
	status := statusOf(err)
	p := problem(status, err.Error())
	var field *peers.FieldError
	var password *account.PasswordError
	var failure *Failure
	if errors.As(err, &failure) {
		p.Field = failure.Field
		var wrong imports.Problems
		errors.As(err, &wrong)
		for _, one := range wrong {
			p.Problems = append(p.Problems, FileProblem(one))
		}
	} else if errors.As(err, &field) {
		p.Field, p.Detail = field.Field, field.Error()
	} else if errors.As(err, &password) {
		p.Field = "password"
	} else {
		_, p.Field = tokenStatus(err)
	}
	setRetryAfter(w, err)
	if status == http.StatusInternalServerError {
		h.Logger.Error("request failed", "err", err)
		p.Detail = "something went wrong inside: the log says what"
	}
	if trouble := TroubleOf(err); trouble != "" && status == http.StatusInsufficientStorage {
		h.Logger.Error("the disk did not take a change", "err", err)
		p.Detail = trouble.Sentence()
	}
	send(w, status, "application/problem+json", p)
}

// Refuse answers with a problem document.
func Refuse(w http.ResponseWriter, status int, detail string) {
	send(w, status, "application/problem+json", problem(status, detail))
}

func problem(status int, detail string) Problem {
	return Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// StatusOf is the status of a request that cannot be understood, and whether it is one.
func StatusOf(err error) (status int, is bool) {
	var request *requestError
	if errors.As(err, &request) {
		return request.status, true
	}
	return 0, false
}

func statusOf(err error) int {
	var request *requestError
	var field *peers.FieldError
	var password *account.PasswordError
	var failure *Failure
	if status, _ := tokenStatus(err); status != 0 {
		return status
	}
	switch {
	case errors.As(err, &failure):
		return failure.Status
	case errors.As(err, &request):
		return request.status
	case errors.Is(err, peers.ErrNotFound), errors.Is(err, account.ErrNoUser):
		return http.StatusNotFound
	case errors.Is(err, peers.ErrConflict):
		return http.StatusPreconditionFailed
	case errors.Is(err, peers.ErrForgotten), errors.Is(err, peers.ErrOutdated), errors.Is(err, peers.ErrInvite):
		return http.StatusGone
	case errors.Is(err, peers.ErrNameTaken), errors.Is(err, peers.ErrKeyTaken), errors.Is(err, peers.ErrNoAddress),
		errors.Is(err, peers.ErrNoEndpoint), errors.Is(err, peers.ErrNoPrivateKey), errors.Is(err, peers.ErrTooLong),
		errors.Is(err, account.ErrClaimed), errors.Is(err, account.ErrNameTaken), errors.Is(err, account.ErrLastAdmin), errors.Is(err, account.ErrNoSecondStep), errors.Is(err, errOwnPassword):
		return http.StatusConflict
	case errors.Is(err, peers.ErrNotApplied), errors.Is(err, account.ErrBusy):
		return http.StatusServiceUnavailable
	case errors.As(err, &field), errors.As(err, &password), errors.Is(err, account.ErrName), errors.Is(err, account.ErrRole):
		return http.StatusBadRequest
	case TroubleOf(err) != "":
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}
