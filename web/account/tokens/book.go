package tokens

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"homeward/configs/secret"
	"homeward/web/account"
	"homeward/web/throttle"
)

// One place may be wrong ten times, and then once every ninety seconds, as with
// passwords.
const (
	tries    = 10
	tryAgain = 90 * time.Second
)

// usedStep is how exactly the last use is remembered.
const usedStep = time.Hour

// ThrottledError says that too many wrong tokens came from one place.
type ThrottledError struct {
	RetryAfter time.Duration // rounded up to whole seconds
}

// Error implements error.
func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many wrong tokens from here: try again in %v", e.RetryAfter)
}

// Config is what a Book needs. All but Now and Refused is required.
type Config struct {
	DB     *sql.DB          // with the tables tokens and admins
	Now    func() time.Time // nil means time.Now
	Logger *slog.Logger
	// Refused is told from where a wrong token came; nil means nobody is.
	Refused func(from netip.Addr)
}

// Book is all tokens. Its methods may be called from any goroutine.
type Book struct {
	store    store
	now      func() time.Time
	log      *slog.Logger
	throttle *throttle.Throttle
	refused  func(netip.Addr)

	mu   sync.Mutex       // guards used
	used map[int64]uint64 // the hour of which a use was noted, by token
}

// NewBook makes a Book. It starts nothing.
func NewBook(cfg Config) (*Book, error) {
	if cfg.DB == nil || cfg.Logger == nil {
		return nil, errors.New("making the book of tokens: database and logger are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Refused == nil {
		cfg.Refused = func(netip.Addr) {}
	}
	return &Book{refused: cfg.Refused, store: store{cfg.DB}, now: cfg.Now, log: cfg.Logger, throttle: throttle.New(cfg.Now, tries, tryAgain), used: map[int64]uint64{}}, nil
}

// All lists all tokens, by user and name. Those that have ended are among them until
// somebody makes another one.
func (b *Book) All(ctx context.Context) ([]Token, error) { return b.store.all(ctx) }

// Get returns one, or fails with ErrNoToken.
func (b *Book) Get(ctx context.Context, id int64) (Token, error) { return b.store.numbered(ctx, id) }

// Create makes a token of owner, which may not do more than limit, and returns it with
// its secret, which nobody can see again. It fails with a *peers.FieldError about the
// name, ErrScopes, ErrTooMuch, ErrLasts, ErrNameTaken, ErrTooMany or
// account.ErrNoUser.
func (b *Book) Create(ctx context.Context, owner account.User, limit account.Scopes, n New) (Token, secret.Text, error) {
	n, name, err := n.judged(limit)
	if err != nil {
		return Token{}, secret.Text{}, err
	}
	text, hash := fresh()
	now := b.now().Truncate(time.Second)
	t := Token{Owner: owner.Name, Name: n.Name, Scopes: n.Scopes, Created: now, owner: owner.ID}
	if n.Lasts > 0 {
		t.Expires = now.Add(n.Lasts)
	}
	if t.ID, err = b.store.add(ctx, t, name.Folded(), hash[:], owner.Role); err != nil {
		return Token{}, secret.Text{}, err
	}
	b.log.Info("token for programs made", "user", owner.Name, "token", t.Name, "scopes", t.Scopes)
	return t, text, nil
}

// Revoke ends a token at once. It fails with ErrNoToken.
func (b *Book) Revoke(ctx context.Context, id int64) (Token, error) {
	t, err := b.store.numbered(ctx, id)
	if err != nil {
		return Token{}, err
	}
	if err := b.store.remove(ctx, id); err != nil {
		return Token{}, err
	}
	b.log.Info("token for programs revoked", "user", t.Owner, "token", t.Name)
	return t, nil
}

// Check returns the token of a program at from, and the number of the user whose it
// is. What the user may do no more, the token does neither: see account.Scopes.Within.
// It fails with ErrWrong or a *ThrottledError.
func (b *Book) Check(ctx context.Context, from netip.Addr, text secret.Text) (t Token, owner int64, err error) {
	err = ErrWrong
	if shape.MatchString(text.Reveal()) {
		hash := sha256.Sum256([]byte(text.Reveal()))
		t, err = b.store.hashed(ctx, hash[:])
	}
	now := b.now()
	if err == nil && !t.Expires.IsZero() && !now.Before(t.Expires) {
		err = ErrWrong
	}
	if errors.Is(err, ErrWrong) {
		if _, wait := b.throttle.Take(from); wait > 0 {
			return Token{}, 0, &ThrottledError{wait}
		}
		b.log.Warn("wrong token of a program", "from", from)
		b.refused(from)
		return Token{}, 0, ErrWrong
	}
	if err != nil {
		return Token{}, 0, err
	}
	b.note(ctx, t, now)
	return t, t.owner, nil
}

// note remembers the hour in which a token was used, and asks the disk once for each.
func (b *Book) note(ctx context.Context, t Token, now time.Time) {
	at := now.Truncate(usedStep)
	hour := uint64(at.Unix())
	b.mu.Lock()
	known := b.used[t.ID] == hour
	b.used[t.ID] = hour
	if len(b.used) > maxNoted { // most of them are revoked
		clear(b.used)
	}
	b.mu.Unlock()
	if known || t.Used.Equal(at) {
		return
	}
	if err := b.store.use(ctx, t.ID, at); err != nil { // it works all the same
		b.log.Warn("the use of a token was not written down", "token", t.Name, "err", err)
	}
}

// maxNoted bounds the memory of uses.
const maxNoted = 4096
