package api

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"homeward/web/account"
)

// Accounts is who may log in.
type Accounts interface {
	Users(context.Context) ([]account.User, error)
	AddUser(context.Context, account.NewUser) error
	ChangeUser(ctx context.Context, name string, c account.UserChange) error
	RemoveUser(ctx context.Context, name string) error
	ResetPassword(ctx context.Context, name, password string) error
	// RemoveSecondStep lets a user in by the password alone; on the box only.
	RemoveSecondStep(ctx context.Context, name string) error
	// Confirm asks who is logged in once more for all that a login takes.
	Confirm(ctx context.Context, from netip.Addr, u account.User, password, code string) error
}

// errOwnPassword is what programs and other places hear who would get around it.
var errOwnPassword = errors.New("your own password is changed on the page, where the old one is asked for")

// User is somebody who may log in.
type User struct {
	Name  string       `json:"name"`
	Role  account.Role `json:"role"`
	Since time.Time    `json:"since"`
	// SecondStep says that a login takes a code besides the password.
	SecondStep bool `json:"second_step"`
}

// NewUser is somebody who shall.
type NewUser struct {
	Name     string       `json:"name"`
	Role     account.Role `json:"role"`
	Password string       `json:"password"`
}

// UserChange is what to change; what is missing stays.
type UserChange struct {
	Name *string       `json:"name,omitempty"`
	Role *account.Role `json:"role,omitempty"`
}

func usersRoutes(h handler) []Route {
	return []Route{
		{"GET", "/api/v1/admin/users", account.ScopeAdmin, h.users},
		{"POST", "/api/v1/admin/users", account.ScopeAdmin, h.addUser},
		{"GET", "/api/v1/admin/users/{name}", account.ScopeAdmin, h.user},
		{"PATCH", "/api/v1/admin/users/{name}", account.ScopeAdmin, h.changeUser},
		{"DELETE", "/api/v1/admin/users/{name}", account.ScopeAdmin, h.removeUser},
		{"PUT", "/api/v1/admin/users/{name}/password", account.ScopeAdmin, h.resetPassword},
	}
}

func (h handler) users(w http.ResponseWriter, r *http.Request) {
	users, err := h.Accounts.Users(r.Context())
	if err != nil {
		h.fail(w, err)
		return
	}
	list := []User{}
	for _, u := range users {
		list = append(list, userFrom(u))
	}
	h.reply(w, http.StatusOK, list)
}

func userFrom(u account.User) User { return User{u.Name, u.Role, u.Since.UTC(), u.SecondStep} }

// userNow is one of u by the name in a request's path.
func userNow(r *http.Request, u Accounts) (User, error) {
	users, err := u.Users(r.Context())
	if err != nil {
		return User{}, err
	}
	for _, u := range users {
		if u.Name == r.PathValue("name") {
			return userFrom(u), nil
		}
	}
	return User{}, account.ErrNoUser
}

func (h handler) user(w http.ResponseWriter, r *http.Request) {
	one, err := userNow(r, h.Accounts)
	if err != nil {
		h.fail(w, err)
		return
	}
	h.tagged(w, http.StatusOK, one)
}

// userMatches says whether a user is as a request has it.
func userMatches(r *http.Request, u Accounts) error {
	if !conditional(r) {
		return nil
	}
	one, err := userNow(r, u)
	if err != nil {
		return err
	}
	return matches(r, one.etag())
}

func (h handler) addUser(w http.ResponseWriter, r *http.Request) {
	var in NewUser
	err := read(w, r, &in)
	if err == nil {
		err = h.Accounts.AddUser(r.Context(), account.NewUser(in))
	}
	h.done(w, err)
}

func (h handler) changeUser(w http.ResponseWriter, r *http.Request) {
	var in UserChange
	err := read(w, r, &in)
	h.Turns.Users.Lock()
	defer h.Turns.Users.Unlock()
	if err == nil {
		err = userMatches(r, h.Accounts)
	}
	if err == nil {
		err = h.Accounts.ChangeUser(r.Context(), r.PathValue("name"), account.UserChange(in))
	}
	h.done(w, err)
}

func (h handler) removeUser(w http.ResponseWriter, r *http.Request) {
	h.Turns.Users.Lock()
	defer h.Turns.Users.Unlock()
	err := userMatches(r, h.Accounts)
	if err == nil {
		err = h.Accounts.RemoveUser(r.Context(), r.PathValue("name"))
	}
	h.done(w, err)
}

func (h handler) resetPassword(w http.ResponseWriter, r *http.Request) {
	var in Password
	err := read(w, r, &in)
	name := r.PathValue("name")
	if who := account.CallerOf(r.Context()); err == nil && who.ID != 0 && who.User.Name == name {
		err = errOwnPassword
	}
	if err == nil {
		err = h.Accounts.ResetPassword(r.Context(), name, in.Password)
	}
	h.done(w, err)
}

// done answers to a change that tells nothing.
func (h handler) done(w http.ResponseWriter, err error) {
	if err != nil {
		h.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Users lists who may log in.
func (c *Client) Users(ctx context.Context) ([]User, error) {
	var list []User
	err := c.call(ctx, "GET", "/api/v1/admin/users", nil, &list)
	return list, err
}

// AddUser lets somebody else log in.
func (c *Client) AddUser(ctx context.Context, u NewUser) error {
	return c.call(ctx, "POST", "/api/v1/admin/users", u, nil)
}

// ChangeUser renames a user, or gives another role.
func (c *Client) ChangeUser(ctx context.Context, name string, change UserChange) error {
	return c.call(ctx, "PATCH", userPath(name), change, nil)
}

// RemoveUser ends a user's access.
func (c *Client) RemoveUser(ctx context.Context, name string) error {
	return c.call(ctx, "DELETE", userPath(name), nil, nil)
}

// ResetPassword sets a user's password.
func (c *Client) ResetPassword(ctx context.Context, name, password string) error {
	return c.call(ctx, "PUT", userPath(name)+"/password", Password{password}, nil)
}

// RemoveSecondStep lets a user in by the password alone, whose phone is lost.
func (c *Client) RemoveSecondStep(ctx context.Context, name string) error {
	return c.call(ctx, "DELETE", userPath(name)+"/second-step", nil, nil)
}

func userPath(name string) string { return "/api/v1/admin/users/" + url.PathEscape(name) }
