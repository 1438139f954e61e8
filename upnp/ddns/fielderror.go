package ddns

import "fmt"

// FieldError says what is wrong with a field of Config: provider, name, zone, ttl,
// user, secret, server, path or algorithm.
type FieldError struct {
	Field string
	err   error
}

// Error implements error.
func (e *FieldError) Error() string { return e.err.Error() }

func wrong(field, format string, args ...any) error {
	return &FieldError{field, fmt.Errorf(format, args...)}
}
