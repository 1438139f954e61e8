package account

import (
	"context"
	"errors"
	"net/netip"
	"regexp"
	"time"
)

// The errors of changes to users.
var (
	ErrName      = errors.New("a user's name has 1 to 32 characters: a-z, 0-9, dot, dash and underscore, with a letter or a digit first")
	ErrNameTaken = errors.New("there is a user of that name already")
	ErrNoUser    = errors.New("there is no user of that name: 'homeward admin users list' shows them")
	ErrRole      = errors.New("there is no such role: choose admin or viewer")
	ErrNoLogin   = errors.New("there is no such login: it may have ended already")
	ErrLastAdmin = errors.New("this is the last admin: make another one first")
)

// User is somebody who may log in.
type User struct {
	ID    int64
	Name  string
	Role  Role
	Since time.Time
	// SecondStep says that a login takes a code besides the password.
	SecondStep bool

	changes int64 // how often that was switched
}

// NewUser is somebody who shall.
type NewUser struct {
	Name     string
	Role     Role
	Password string
}

// UserChange is what to change about a user; nil means to leave it.
type UserChange struct {
	Name *string
	Role *Role
}

var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,31}$`)

// User returns a user by number, and whether there is one.
func (a *Account) User(ctx context.Context, id int64) (User, bool, error) {
	u, _, err := a.store.numbered(ctx, id)
	return u, u.ID != 0, err
}

// Trust logs in a user who proved to be one by other means than the password, such as a
// passkey. It fails with ErrNoUser.
func (a *Account) Trust(ctx context.Context, id int64) (Admin, error) {
	u, hash, err := a.store.numbered(ctx, id)
	if err == nil && u.ID == 0 {
		err = ErrNoUser
	}
	if err != nil {
		return Admin{}, err
	}
	return admin(u, hash), nil
}

// Users lists who may log in, by name.
func (a *Account) Users(ctx context.Context) ([]User, error) { return a.store.users(ctx) }

// AddUser lets somebody else in. It fails with ErrName, ErrRole, ErrNameTaken,
// ErrBusy or a *PasswordError. On an unclaimed box the first user is an admin.
func (a *Account) AddUser(ctx context.Context, n NewUser) error {
	if !userName.MatchString(n.Name) {
		return ErrName
	}
	claimed, err := a.store.claimed(ctx)
	if err != nil {
		return err
	}
	if n.Role.Scopes() == nil || n.Role != RoleAdmin && !claimed {
		return ErrRole
	}
	hash, err := a.hash(ctx, n.Password)
	if err != nil {
		return err
	}
	if err := a.store.addUser(ctx, n.Name, n.Role, hash); err != nil {
		return err
	}
	a.setup.end()
	a.log.Info("user of the admin page added", "user", n.Name, "role", n.Role)
	return nil
}

// ChangeUser renames a user or gives another role, at once, also in sessions
// that are open. A smaller role ends the user's tokens. It fails with ErrName, ErrRole, ErrNoUser, ErrNameTaken or
// ErrLastAdmin.
func (a *Account) ChangeUser(ctx context.Context, name string, c UserChange) error {
	if c.Name != nil && !userName.MatchString(*c.Name) {
		return ErrName
	}
	if c.Role != nil && c.Role.Scopes() == nil {
		return ErrRole
	}
	if err := a.store.changeUser(ctx, name, c); err != nil {
		return err
	}
	a.log.Info("user of the admin page changed", "user", name)
	return nil
}

// RemoveUser ends somebody's access, sessions included. It fails with ErrNoUser or
// ErrLastAdmin.
func (a *Account) RemoveUser(ctx context.Context, name string) error {
	if err := a.store.removeUser(ctx, name); err != nil {
		return err
	}
	a.log.Info("user of the admin page removed", "user", name)
	return nil
}

// ResetPassword sets another user's password, and ends that user's sessions, tokens and
// passkeys: whoever knew the old one may have made some. It
// fails with ErrNoUser, ErrBusy or a *PasswordError.
func (a *Account) ResetPassword(ctx context.Context, name, password string) error {
	hash, err := a.hash(ctx, password)
	if err != nil {
		return err
	}
	if err := a.store.resetPassword(ctx, name, hash, true); err != nil {
		return err
	}
	a.log.Info("password of a user of the admin page set", "user", name)
	return nil
}

// ChangePassword changes the password of who is logged in, who says the old one.
// All other sessions of that user end: only the returned Admin is valid. Tokens and passkeys go on.
// It fails with ErrWrong, ErrBusy, a *ThrottledError or a *PasswordError.
func (a *Account) ChangePassword(ctx context.Context, from netip.Addr, u User, old, password string) (Admin, error) {
	if err := checkPassword(password); err != nil {
		return Admin{}, err
	}
	if _, _, err := a.check(ctx, from, u.Name, old); err != nil {
		return Admin{}, err
	}
	hash, err := a.hash(ctx, password)
	if err != nil {
		return Admin{}, err
	}
	if err := a.store.resetPassword(ctx, u.Name, hash, false); err != nil {
		return Admin{}, err
	}
	a.log.Info("a user of the admin page changed the own password", "user", u.Name)
	return admin(u, hash), nil
}
