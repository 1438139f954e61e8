package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"homeward/configs/secret"
	"homeward/web/account"
	"homeward/web/account/tokens"
)

// Tokens is by what programs come in.
type Tokens interface {
	All(context.Context) ([]tokens.Token, error)
	Get(ctx context.Context, id int64) (tokens.Token, error)
	Create(ctx context.Context, owner account.User, limit account.Scopes, n tokens.New) (tokens.Token, secret.Text, error)
	Revoke(ctx context.Context, id int64) (tokens.Token, error)
}

// Token is what a program comes in by, without its secret.
type Token struct {
	ID      int64          `json:"id"`
	User    string         `json:"user"` // whose it is
	Name    string         `json:"name"`
	Scopes  account.Scopes `json:"scopes"`
	Created time.Time      `json:"created"`
	Used    *time.Time     `json:"used,omitempty"`    // when last, to the hour
	Expires *time.Time     `json:"expires,omitempty"` // missing: when it is revoked
}

// NewToken is a token to be made: of who asks or, on the box, of the user that is
// named, else of the first admin.
type NewToken struct {
	User   string         `json:"user,omitempty"`
	Name   string         `json:"name"`
	Scopes account.Scopes `json:"scopes"`
	Days   int            `json:"days,omitempty"` // 0: until it is revoked
	// Password is what who asks logs in with, and Code that of the second step, where
	// there is one: a token alone makes no other one, which would outlive it. On the
	// box neither is asked for.
	Password string `json:"password,omitempty"`
	Code     string `json:"code,omitempty"`
}

func (n NewToken) wanted() tokens.New {
	lasts := time.Duration(min(max(n.Days, -1), 1<<16)) * 24 * time.Hour // more days than fit are too many, not few
	return tokens.New{Name: n.Name, Scopes: n.Scopes, Lasts: lasts}
}

// MadeToken is a token with its secret, which is shown once.
type MadeToken struct {
	Made   Token  `json:"made"`
	Secret string `json:"token"`
}

func tokenFrom(t tokens.Token) Token {
	return Token{t.ID, t.Owner, t.Name, t.Scopes, t.Created.UTC(), moment(t.Used), moment(t.Expires)}
}

func tokensRoutes(h handler) []Route {
	return []Route{
		{"GET", "/api/v1/admin/tokens", account.ScopeAdmin, h.tokens},
		{"POST", "/api/v1/admin/tokens", account.ScopeAdmin, h.createToken},
		{"DELETE", "/api/v1/admin/tokens/{id}", account.ScopeAdmin, h.revokeToken},
	}
}

func (h handler) tokens(w http.ResponseWriter, r *http.Request) {
	all, err := h.Tokens.All(r.Context())
	if err != nil {
		h.fail(w, err)
		return
	}
	list := []Token{}
	for _, t := range all {
		list = append(list, tokenFrom(t))
	}
	h.reply(w, http.StatusOK, list)
}

func (h handler) createToken(w http.ResponseWriter, r *http.Request) {
	var in NewToken
	var owner account.User
	var limit account.Scopes
	err := read(w, r, &in)
	if err == nil {
		owner, limit, err = h.tokenOwner(r.Context(), in)
	}
	var t tokens.Token
	var text secret.Text
	if err == nil {
		t, text, err = h.Tokens.Create(r.Context(), owner, limit, in.wanted())
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	h.reply(w, http.StatusCreated, MadeToken{tokenFrom(t), text.Reveal()})
}

// tokenOwner is whose a token will be, and what it may at most.
func (h handler) tokenOwner(ctx context.Context, in NewToken) (account.User, account.Scopes, error) {
	if who := account.CallerOf(ctx); who.ID != 0 {
		if in.User != "" && in.User != who.User.Name {
			return account.User{}, nil, &Failure{Status: http.StatusForbidden, Field: "user", Err: errors.New("everybody makes their own tokens; others' are made on the box")}
		}
		if err := in.wanted().Check(who.May); err != nil { // before a code is used up
			return account.User{}, nil, err
		}
		return who.User, who.May, h.Accounts.Confirm(ctx, who.From, who.User, in.Password, in.Code)
	}
	users, err := h.Accounts.Users(ctx)
	if err != nil {
		return account.User{}, nil, err
	}
	var found account.User
	for _, u := range users {
		first := in.User == "" && u.Role == account.RoleAdmin && (found.ID == 0 || u.ID < found.ID)
		if first || in.User != "" && u.Name == in.User {
			found = u
		}
	}
	if found.ID == 0 {
		return account.User{}, nil, account.ErrNoUser
	}
	return found, found.Role.Scopes(), nil
}

func (h handler) revokeToken(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err == nil {
		_, err = h.Tokens.Revoke(r.Context(), id)
	} else {
		err = tokens.ErrNoToken
	}
	h.done(w, err)
}

// tokenStatus is the status of an error about tokens, or of a login that was asked
// for, and the field that it is about; 0 for any other error.
func tokenStatus(err error) (status int, field string) {
	var slow *account.ThrottledError
	switch {
	case errors.Is(err, account.ErrWrong):
		return http.StatusForbidden, "password"
	case errors.Is(err, account.ErrWrongCode):
		return http.StatusForbidden, "code"
	case errors.As(err, &slow):
		return http.StatusTooManyRequests, ""
	case errors.Is(err, tokens.ErrNoToken):
		return http.StatusNotFound, ""
	case errors.Is(err, tokens.ErrNameTaken):
		return http.StatusConflict, "name"
	case errors.Is(err, tokens.ErrTooMany):
		return http.StatusConflict, ""
	case errors.Is(err, tokens.ErrScopes), errors.Is(err, tokens.ErrTooMuch):
		return http.StatusBadRequest, "scopes"
	case errors.Is(err, tokens.ErrLasts):
		return http.StatusBadRequest, "days"
	}
	return 0, ""
}

// setRetryAfter says when to come back, where that is known.
func setRetryAfter(w http.ResponseWriter, err error) {
	var slow *account.ThrottledError
	if errors.As(err, &slow) {
		w.Header().Set("Retry-After", strconv.Itoa(int(slow.RetryAfter.Seconds())))
	}
}

// Tokens lists by what programs come in.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	var list []Token
	err := c.call(ctx, "GET", "/api/v1/admin/tokens", nil, &list)
	return list, err
}

// CreateToken makes a token for a program.
func (c *Client) CreateToken(ctx context.Context, n NewToken) (MadeToken, error) {
	var t MadeToken
	err := c.call(ctx, "POST", "/api/v1/admin/tokens", n, &t)
	return t, err
}

// RevokeToken ends one.
func (c *Client) RevokeToken(ctx context.Context, id int64) error {
	return c.call(ctx, "DELETE", "/api/v1/admin/tokens/"+strconv.FormatInt(id, 10), nil, nil)
}
