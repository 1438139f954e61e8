package web

import (
	"errors"
	"net/http"

	"homeward/web/account"
)

// What the log says when users and their passwords change; never with which values.
const (
	UserAdded       = "user-added"
	UserChanged     = "user-changed"
	UserRemoved     = "user-removed"
	PasswordChanged = "password-changed"
	PasswordReset   = "password-reset"
	LoggedIn        = "logged-in"
	LoginsEnded     = "logins-ended"
)

// accountPage is one's own account, and for admins everybody's.
type accountPage struct {
	layout
	Me       account.User
	Min      int
	Left     int    // recovery codes of the second step that were not used
	Form     string // the form that was sent: own, second, new or a user's name
	Error    string // what is wrong with it
	Clock    string // of this box, where a code was wrong
	Name     string // as it was typed for a new user
	Phrase   string // a password that is suggested
	Strength string // of the password that was set just now
	Users    []account.User
	Roles    []account.Role
	Logins   []loginView // where Me is logged in
	Passkeys passkeysView
}

func (s *Server) showAccount(w http.ResponseWriter, r *http.Request) {
	s.drawAccount(w, r, http.StatusOK, accountPage{})
}

// drawAccount shows the page, with what is wrong with a form.
func (s *Server) drawAccount(w http.ResponseWriter, r *http.Request, status int, p accountPage) {
	p.layout, p.Me, p.Min = s.layout(r, s.language(r).T("account.title")), caller(r), account.MinPassword
	p.Here = "/account"
	p.Phrase, p.Strength = s.suggest(), s.sessions.PopString(r.Context(), strengthKey)
	var err error
	if p.Me.SecondStep {
		if p.Left, err = s.cfg.Account.RecoveryCodesLeft(r.Context(), p.Me); err != nil {
			s.broken(w, r, err)
			return
		}
	}
	if p.Logins, err = s.logins(r); err != nil {
		s.broken(w, r, err)
		return
	}
	if p.Passkeys, err = s.passkeysOf(r, p.Me); err != nil {
		s.broken(w, r, err)
		return
	}
	if p.May {
		if p.Users, err = s.cfg.Account.Users(r.Context()); err != nil {
			s.broken(w, r, err)
			return
		}
		p.Roles = []account.Role{account.RoleViewer, account.RoleAdmin}
	}
	s.render(w, r, status, "account.html", p)
}

// changePassword changes one's own, for which the old one is asked. All other
// sessions end.
func (s *Server) changePassword(w http.ResponseWriter, r *http.Request) {
	password := r.PostFormValue("password")
	if password != r.PostFormValue("again") {
		s.drawAccount(w, r, http.StatusBadRequest, accountPage{Form: "own", Error: s.language(r).T("setup.different")})
		return
	}
	who, err := s.cfg.Account.ChangePassword(r.Context(), s.client(r), caller(r), r.PostFormValue("old"), password)
	if err == nil {
		err = s.logIn(r, who)
		s.tellStrength(r.Context(), password)
		s.cfg.Did(r.Context(), PasswordChanged)
	}
	s.afterAccount(w, r, "own", err)
}

func (s *Server) addUser(w http.ResponseWriter, r *http.Request) {
	n := account.NewUser{Name: userName(r), Role: account.Role(r.PostFormValue("role")), Password: r.PostFormValue("password")}
	s.afterUser(w, r, "new", UserAdded, n.Name, s.cfg.Account.AddUser(r.Context(), n))
}

func (s *Server) changeRole(w http.ResponseWriter, r *http.Request) {
	role, name := account.Role(r.PostFormValue("role")), r.PathValue("user")
	s.afterUser(w, r, name, UserChanged, name, s.cfg.Account.ChangeUser(r.Context(), name, account.UserChange{Role: &role}))
}

func (s *Server) resetPassword(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("user")
	if name == caller(r).Name { // the old one has to be said
		s.afterAccount(w, r, "own", account.ErrWrong)
		return
	}
	s.afterUser(w, r, name, PasswordReset, name, s.cfg.Account.ResetPassword(r.Context(), name, r.PostFormValue("password")))
}

func (s *Server) removeUser(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("user")
	s.afterUser(w, r, name, UserRemoved, name, s.cfg.Account.RemoveUser(r.Context(), name))
}

// afterUser writes down what was done to a user, unless it failed, and goes back.
func (s *Server) afterUser(w http.ResponseWriter, r *http.Request, form, cause, name string, err error) {
	if err == nil {
		s.cfg.Did(r.Context(), cause, name)
	}
	s.afterAccount(w, r, form, err)
}

// afterAccount goes back to the page, or says beside the form what went wrong.
func (s *Server) afterAccount(w http.ResponseWriter, r *http.Request, form string, err error) {
	var bad *account.PasswordError
	status := http.StatusBadRequest
	switch {
	case err == nil:
		http.Redirect(w, r, "/account", http.StatusSeeOther)
		return
	case errors.As(err, &bad), errors.Is(err, account.ErrName), errors.Is(err, account.ErrRole), errors.Is(err, account.ErrWrong), errors.Is(err, account.ErrWrongCode):
	case errors.Is(err, account.ErrNameTaken), errors.Is(err, account.ErrLastAdmin), errors.Is(err, account.ErrSecondStep), errors.Is(err, account.ErrNoSecondStep):
		status = http.StatusConflict
	case errors.Is(err, account.ErrNoUser), errors.Is(err, account.ErrNoLogin):
		s.notFound(w, r)
		return
	default:
		var known bool
		if status, known = refusal(w, err); !known {
			s.broken(w, r, err)
			return
		}
	}
	s.drawAccount(w, r, status, accountPage{Form: form, Error: problem(s.language(r), err), Clock: s.clockAt(r, err), Name: userName(r)})
}
