package web

import (
	"errors"
	"net/http"
	"strconv"

	"homeward/web/account"
)

// refusal is the status of a login that was refused, and whether it was: anything
// else is ours. It says when to come back.
func refusal(w http.ResponseWriter, err error) (status int, known bool) {
	var slow *account.ThrottledError
	switch {
	case errors.Is(err, account.ErrWrong), errors.Is(err, account.ErrWrongCode):
		return http.StatusForbidden, true
	case errors.As(err, &slow):
		w.Header().Set("Retry-After", strconv.Itoa(int(slow.RetryAfter.Seconds())))
		return http.StatusTooManyRequests, true
	case errors.Is(err, account.ErrBusy):
		w.Header().Set("Retry-After", "2")
		return http.StatusServiceUnavailable, true
	}
	return 0, false
}
