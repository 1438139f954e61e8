package tokens

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"homeward/configs/secret"
	"homeward/peers"
	"homeward/web/account"
)

// Prefix is what every token begins with.
const Prefix = "homeward_"

const (
	randomBytes = 32
	// MaxLasts is the longest time that a token can be given, unless it has no end.
	MaxLasts = 10 * 365 * 24 * time.Hour
	// MaxOfUser bounds the tokens of one user.
	MaxOfUser = 50
)

// The errors that callers act on.
var (
	// ErrWrong also stands for a token that was revoked or has ended.
	ErrWrong     = errors.New("this token is not valid, or not any more")
	ErrNoToken   = errors.New("there is no such token: it may have been revoked already")
	ErrNameTaken = errors.New("there is a token of that name already: choose a different name")
	ErrScopes    = errors.New("choose what the token may do: metrics, read, peers, ports or admin")
	ErrTooMuch   = errors.New("a token may not do more than who makes it")
	ErrLasts     = errors.New("a token lasts 1 to 3650 days, or until it is revoked")
	ErrTooMany   = errors.New("there are 50 tokens already: revoke one that is not used any more")
)

// Token is what a program comes in by, without its secret.
type Token struct {
	ID      int64
	Owner   string // the name of the user whose it is
	Name    string
	Scopes  account.Scopes
	Created time.Time
	Used    time.Time // to the hour; zero: never
	Expires time.Time // zero: when it is revoked

	owner int64
}

// Of reports whether the token is u's.
func (t Token) Of(u account.User) bool { return t.owner == u.ID }

// New is a token to be made.
type New struct {
	Name   string
	Scopes account.Scopes // whoever may change devices or ports may read, too
	Lasts  time.Duration  // zero: until it is revoked
}

// Check says what is wrong with n for who may do limit, as Book.Create does.
func (n New) Check(limit account.Scopes) error {
	_, _, err := n.judged(limit)
	return err
}

// judged is n as it is stored, unless something is wrong with it or it is more than
// limit.
func (n New) judged(limit account.Scopes) (New, peers.Name, error) {
	name, err := peers.ParseName(n.Name)
	if err != nil {
		return New{}, "", err
	}
	for _, s := range n.Scopes {
		if !slices.Contains(account.AllScopes(), s) {
			return New{}, "", ErrScopes
		}
	}
	if len(n.Scopes) == 0 {
		return New{}, "", ErrScopes
	}
	if len(n.Scopes.Within(limit)) != len(n.Scopes) {
		return New{}, "", ErrTooMuch
	}
	if n.Lasts < 0 || n.Lasts > 0 && n.Lasts < 24*time.Hour || n.Lasts > MaxLasts {
		return New{}, "", ErrLasts
	}
	n.Name = string(name)
	n.Scopes = tidy(n.Scopes)
	return n, name, nil
}

// tidy names each scope once, and only those that are not in another one.
func tidy(s account.Scopes) account.Scopes {
	if slices.Contains(s, account.ScopeAdmin) {
		return account.Scopes{account.ScopeAdmin}
	}
	all := account.AllScopes()
	s = slices.Clone(s)
	if slices.Contains(s, account.ScopePeers) || slices.Contains(s, account.ScopePorts) {
		s = append(s, account.ScopeRead)
	}
	slices.SortFunc(s, func(a, b account.Scope) int { return cmp.Compare(slices.Index(all, a), slices.Index(all, b)) })
	return slices.Compact(s)
}

// fresh makes a token and what is kept of it.
func fresh() (secret.Text, [sha256.Size]byte) {
	var b [randomBytes]byte
	rand.Read(b[:]) // never fails
	text := Prefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
	return secret.NewText(text), sha256.Sum256([]byte(text))
}

// shape is what every token looks like; the database is not asked for anything else.
var shape = regexp.MustCompile(`^` + Prefix + `[a-z2-7]{52}$`)
