package account

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"time"

	"github.com/alexedwards/scs/v2"

	"homeward/configs/secret"
	"homeward/web/throttle"
)

// One place may be wrong ten times, and then once every ninety seconds.
const (
	tries    = 10
	tryAgain = 90 * time.Second
)

// The errors that callers act on.
var (
	ErrClaimed = errors.New("this homeward has a password already: 'homeward admin password' sets another one")
	// ErrLink means that a setup token was never valid, or is not any more.
	ErrLink = errors.New("this setup link is not valid any more: 'homeward admin setup-link' prints a new one")
	// ErrLinkGiven means that somebody has a setup link that is valid.
	ErrLinkGiven = errors.New("there is a setup link that nobody has used yet")
	ErrWrong     = errors.New("that is not the password")
	// ErrBusy means that too many passwords wait to be checked.
	ErrBusy = errors.New("too many logins at once: try again in a moment")
)

// ThrottledError says that too many wrong passwords or codes came from one place.
type ThrottledError struct {
	RetryAfter time.Duration // rounded up to whole seconds
	Codes      bool          // the codes of one user were wrong, wherever they came from
}

// Error implements error.
func (e *ThrottledError) Error() string {
	format, args := e.Source()
	return fmt.Sprintf(format, args...)
}

// Source is the error as a format of package fmt and what goes into it, for who
// says it in another language.
func (e *ThrottledError) Source() (format string, args []any) {
	if e.Codes {
		return "too many wrong codes: try again in %v", []any{e.RetryAfter}
	}
	return "too many wrong passwords from here: try again in %v", []any{e.RetryAfter}
}

// Admin is somebody who knew the password, for a session to remember.
type Admin struct {
	ID   int64
	Seal string // of the password of that time
	Half bool   // a code is needed as well: see Second. Nothing else takes such an Admin
}

// seal names a password's hash without being one. It is another one each time the
// second step was switched on or off.
func seal(hash string, changes int64) string {
	if changes > 0 {
		hash += "\n" + strconv.FormatInt(changes, 10)
	}
	sum := sha256.Sum256([]byte(hash))
	return hex.EncodeToString(sum[:8])
}

// admin is u after everything that a login takes.
func admin(u User, hash string) Admin { return Admin{ID: u.ID, Seal: seal(hash, u.changes)} }

// Config is what an Account needs. All but Now and Refused is required.
type Config struct {
	DB     *sql.DB                    // with the tables admins, sessions, tokens and passkeys
	Box    func() (secret.Box, error) // seals what the second step is computed from
	Now    func() time.Time           // nil means time.Now
	Logger *slog.Logger
	// Refused is told who was refused as which user, if there is one, and by what:
	// RefusedPassword, RefusedNobody or RefusedCode; nil means nobody is.
	Refused func(how string, from netip.Addr, user string)
}

// By what somebody was refused.
const (
	RefusedPassword = "password"
	RefusedNobody   = "nobody" // a name that nobody has; it may be a mistyped password
	RefusedCode     = "code"
)

// Account is who may use the admin page. Its methods may be called from any
// goroutine.
type Account struct {
	store    store
	log      *slog.Logger
	setup    setup
	throttle *throttle.Throttle
	codes    codeLimits
	box      func() (secret.Box, error)
	hasher   hasher
	refused  func(how string, from netip.Addr, user string)
}

// New makes an Account. It starts nothing.
func New(cfg Config) (*Account, error) {
	if cfg.DB == nil || cfg.Box == nil || cfg.Logger == nil {
		return nil, errors.New("making the account: database, box and logger are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Refused == nil {
		cfg.Refused = func(string, netip.Addr, string) {}
	}
	return &Account{
		refused: cfg.Refused, store: store{cfg.DB, cfg.Now}, log: cfg.Logger, setup: setup{now: cfg.Now},
		throttle: throttle.New(cfg.Now, tries, tryAgain), codes: codeLimits{now: cfg.Now}, box: cfg.Box, hasher: newHasher(),
	}, nil
}

// SessionStore keeps sessions, and lists them.
type SessionStore interface {
	scs.CtxStore
	scs.IterableCtxStore
}

// Sessions is where sessions are kept. Expired ones are removed as others
// are made.
func (a *Account) Sessions() SessionStore { return sessions{a.store} }

// Claimed reports whether the password has been set.
func (a *Account) Claimed(ctx context.Context) (bool, error) { return a.store.claimed(ctx) }

// NewLink makes the token of a new setup link, and ends the one before. On a
// claimed box it fails with ErrClaimed.
func (a *Account) NewLink(ctx context.Context) (string, error) {
	if err := a.unclaimed(ctx); err != nil {
		return "", err
	}
	return a.setup.renew(), nil
}

// FirstLink is NewLink for who was not asked for a link: it ends none that somebody may
// be about to open, and fails with ErrLinkGiven then.
func (a *Account) FirstLink(ctx context.Context) (string, error) {
	if err := a.unclaimed(ctx); err != nil {
		return "", err
	}
	token, ok := a.setup.first()
	if !ok {
		return "", ErrLinkGiven
	}
	return token, nil
}

// unclaimed fails with ErrClaimed on a claimed box.
func (a *Account) unclaimed(ctx context.Context) error {
	claimed, err := a.store.claimed(ctx)
	if err == nil && claimed {
		err = ErrClaimed
	}
	return err
}

// LinkValid reports whether token could claim the box now. It uses nothing up.
func (a *Account) LinkValid(token string) bool { return a.setup.valid(token) }

// Claim sets the first password and uses the token up. It fails with ErrLink,
// ErrClaimed, ErrBusy or a *PasswordError, and then the token stays valid.
func (a *Account) Claim(ctx context.Context, token, password string) (Admin, error) {
	if !a.setup.valid(token) {
		return Admin{}, ErrLink
	}
	hash, err := a.hash(ctx, password)
	if err != nil {
		return Admin{}, err
	}
	id, err := a.store.claim(ctx, hash)
	if err != nil {
		return Admin{}, err
	}
	a.setup.end()
	a.log.Info("admin page claimed")
	return admin(User{ID: id}, hash), nil
}

// Login checks the password of somebody at from who says to be name; without a
// name it is the first admin. Who has a second step switched on is a half Admin, for
// Second. It fails with ErrWrong, ErrBusy or a *ThrottledError.
func (a *Account) Login(ctx context.Context, from netip.Addr, name, password string) (Admin, error) {
	u, hash, err := a.check(ctx, from, name, password)
	switch {
	case err != nil:
		return Admin{}, err
	case u.SecondStep:
		return half(u, hash), nil
	}
	return admin(u, hash), nil
}

// check returns whose password it is, and its hash. It fails as Login does.
func (a *Account) check(ctx context.Context, from netip.Addr, name, password string) (User, string, error) {
	undo, wait := a.throttle.Take(from)
	if wait > 0 {
		return User{}, "", &ThrottledError{RetryAfter: wait}
	}
	u, hash, err := a.store.named(ctx, name)
	if err != nil {
		return User{}, "", err
	}
	if u.ID == 0 { // a name that nobody has takes as long as a wrong password
		if _, hash, err = a.store.named(ctx, ""); err != nil {
			return User{}, "", err
		}
	}
	if hash == "" {
		return User{}, "", ErrWrong // nobody has claimed the box: there is nothing to guess
	}
	ok, err := a.hasher.matches(ctx, password, hash)
	if err != nil {
		undo() // nothing was tried
		return User{}, "", err
	}
	if !ok || u.ID == 0 {
		a.log.Warn("wrong password for the admin page", "from", from)
		how := RefusedPassword
		if u.ID == 0 {
			how = RefusedNobody
		}
		a.refused(how, from, u.Name)
		return User{}, "", ErrWrong
	}
	if u.SecondStep {
		undo() // wrong codes still count, else the password would buy ten more tries each time
	} else {
		a.throttle.Forgive(from)
	}
	return u, hash, nil
}

// Valid returns the user who logged in as who, and whether that may go on: it ends
// with the user and with the password, also for a session that was being made when
// it changed.
func (a *Account) Valid(ctx context.Context, who Admin) (User, bool, error) {
	u, hash, err := a.store.numbered(ctx, who.ID)
	if err != nil || u.ID == 0 || who != admin(u, hash) {
		return User{}, false, err
	}
	return u, true, nil
}

// SetPassword sets the first admin's password and ends all sessions, and that admin's
// tokens and passkeys. It is also how an
// unclaimed box is claimed on the box itself. It fails with a *PasswordError or
// ErrBusy.
func (a *Account) SetPassword(ctx context.Context, password string) error {
	hash, err := a.hash(ctx, password)
	if err != nil {
		return err
	}
	if err := a.store.setPassword(ctx, hash); err != nil {
		return err
	}
	a.setup.end()
	a.log.Info("password of the admin page changed, all sessions ended")
	return nil
}

func (a *Account) hash(ctx context.Context, password string) (string, error) {
	if err := checkPassword(password); err != nil {
		return "", err
	}
	return a.hasher.hash(ctx, password)
}
