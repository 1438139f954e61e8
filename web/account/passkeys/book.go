package passkeys

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"homeward/web/account"
	"homeward/web/throttle"
)

// Bounds.
const (
	// MaxOfUser bounds the passkeys of one user.
	MaxOfUser = 20
	// One place may ask for this many questions at once, and then for one in askAgain.
	asks     = 30
	askAgain = 10 * time.Second
)

// ThrottledError says that one place asks too often.
type ThrottledError struct {
	RetryAfter time.Duration // rounded up to whole seconds
}

// Error implements error.
func (e *ThrottledError) Error() string {
	format, args := e.Source()
	return fmt.Sprintf(format, args...)
}

// Source is the error as a format of package fmt and what goes into it.
func (e *ThrottledError) Source() (format string, args []any) {
	return "too many tries from here: try again in %v", []any{e.RetryAfter}
}

// Passkey is one, as its user sees it.
type Passkey struct {
	ID      int64
	Name    string
	Site    string // the name of the page that it counts for
	Created time.Time
	Used    time.Time // zero: never
}

// Config is what a Book needs. All but Now and Refused is required.
type Config struct {
	DB     *sql.DB          // with the tables passkeys and admins
	Now    func() time.Time // nil means time.Now
	Logger *slog.Logger
	// Refused is told from where a wrong passkey came; nil means nobody is.
	Refused func(from netip.Addr)
}

// Book is all passkeys. Its methods may be called from any goroutine.
type Book struct {
	store    store
	now      func() time.Time
	log      *slog.Logger
	refused  func(netip.Addr)
	throttle *throttle.Throttle
	open     questions
}

// NewBook makes a Book. It starts nothing.
func NewBook(cfg Config) (*Book, error) {
	if cfg.DB == nil || cfg.Logger == nil {
		return nil, errors.New("making the book of passkeys: database and logger are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Refused == nil {
		cfg.Refused = func(netip.Addr) {}
	}
	return &Book{store: store{cfg.DB}, now: cfg.Now, log: cfg.Logger, refused: cfg.Refused, throttle: throttle.New(cfg.Now, asks, askAgain), open: questions{now: cfg.Now}}, nil
}

// Of lists a user's passkeys, the oldest first.
func (b *Book) Of(ctx context.Context, u account.User) ([]Passkey, error) {
	return b.store.of(ctx, u.ID)
}

// Any reports whether somebody has a passkey for a site.
func (b *Book) Any(ctx context.Context, s Site) (bool, error) { return b.store.any(ctx, s.Name) }

// Remove ends one of u's passkeys. It fails with ErrNone.
func (b *Book) Remove(ctx context.Context, u account.User, id int64) error {
	if err := b.store.remove(ctx, u.ID, id); err != nil {
		return err
	}
	b.log.Info("passkey removed", "user", u.Name)
	return nil
}
