package secret

import (
	"fmt"
	"io"
	"log/slog"
)

const textPlaceholder = "(secret)"

// Text is a password or token that cannot be printed. The zero Text is empty.
type Text struct {
	// A closure, because fmt walks into others' unexported fields without calling
	// our methods. Of a function it prints no more than the address.
	held func() string
}

// NewText hides s.
func NewText(s string) Text { return Text{func() string { return s }} }

// Reveal returns the text itself.
func (t Text) Reveal() string {
	if t.held == nil {
		return ""
	}
	return t.held()
}

// IsZero says whether there is no text.
func (t Text) IsZero() bool { return t.Reveal() == "" }

// String implements fmt.Stringer with a placeholder.
func (Text) String() string { return textPlaceholder }

// GoString implements fmt.GoStringer with a placeholder.
func (Text) GoString() string { return textPlaceholder }

// Format implements fmt.Formatter with a placeholder, whatever the verb.
func (Text) Format(f fmt.State, _ rune) { io.WriteString(f, textPlaceholder) }

// LogValue implements slog.LogValuer with a placeholder.
func (Text) LogValue() slog.Value { return slog.StringValue(textPlaceholder) }

// MarshalText implements encoding.TextMarshaler with a placeholder.
func (Text) MarshalText() ([]byte, error) { return []byte(textPlaceholder), nil }
