package passkeys

import "errors"

// The errors that callers act on.
var (
	ErrWrong   = errors.New("this passkey is not known here, or was not taken")
	ErrLate    = errors.New("that took too long: try it again")
	ErrNone    = errors.New("there is no such passkey: it may have been removed already")
	ErrTooMany = errors.New("there are 20 passkeys already: remove one that is not used any more")
)
