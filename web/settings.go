package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"homeward/peers"
	"homeward/web/account"
	"homeward/web/api"
	"homeward/web/languages"
)

// chosenFor is how long a browser remembers the language and the look.
const chosenFor = 365 * 24 * time.Hour

// settingsPage is what can be set, and what is set elsewhere.
type settingsPage struct {
	layout
	Languages []*languages.Language
	Chosen    string // the tag of the language; empty: the browser's
	Looks     []string
	DNS       api.DNSName
	Provider  string // what the name's is called
	Form      dnsForm
	Set       houseForm
	Now       api.Settings
	Stale     int // devices that need a new code
	Port      portPolicy
	Me        account.User
	Sealed    bool   // the page came by TLS
	Print     string // the certificate's fingerprint, and the same as Words; both may be empty
	Words     string
	File      []settingView
}

// portPolicy says who opens the port on the router.
type portPolicy struct {
	Off   bool   // nobody is asked, as the operator's file has it
	Since string // when the owner said that he forwards it by hand; empty: homeward asks
}

func (s *Server) portPolicy(l *languages.Language, file []api.FileSetting) portPolicy {
	if slices.ContainsFunc(file, func(f api.FileSetting) bool { return f.Key == "map_port" && f.Value == "false" }) {
		return portPolicy{Off: true}
	}
	if g, err := s.cfg.Router.Guide(""); err == nil && !g.ByHand.IsZero() {
		return portPolicy{Since: l.Date(g.ByHand)}
	}
	return portPolicy{}
}

// settingView is a setting in words.
type settingView struct{ Key, Value, Does string }

// dnsForm keeps what was typed, but for the secret.
type dnsForm struct {
	api.NewDNSName
	// Problem is said above the form, or beside the field named Field.
	Field, Problem string
	Version        string // of the name that the form shows
	Now            []difference
}

// More says whether something is chosen beyond what all providers ask for.
func (f dnsForm) More() bool {
	return f.Path != "" || f.Zone != "" || f.Algorithm != "" || slices.Contains([]string{"path", "zone", "algorithm"}, f.Field)
}

// differences lists what is another one now.
func (f dnsForm) differences(l *languages.Language, now dnsForm) []difference {
	return changedTo([]typedField{
		{l.T("settings.provider"), f.Provider, now.Provider}, {l.T("settings.dns_name"), f.Name, now.Name}, {l.T("settings.user"), f.User, now.User}, {l.T("settings.server"), f.Server, now.Server},
		{l.T("settings.path"), f.Path, now.Path}, {l.T("settings.zone"), f.Zone, now.Zone}, {l.T("settings.algorithm"), f.Algorithm, now.Algorithm},
	})
}

// dnsField is a field of the form of the name.
func dnsField(f dnsForm, name, label, example string, required bool) fieldView {
	v := fieldView{Name: name, Label: label, Example: example, Required: required}
	v.Value = map[string]string{"name": f.Name, "user": f.User, "server": f.Server, "path": f.Path, "zone": f.Zone, "algorithm": f.Algorithm}[name]
	if f.Field == name {
		v.Problem = f.Problem
	}
	return v
}

func (s *Server) showSettings(w http.ResponseWriter, r *http.Request) {
	form := houseFormOf(s.cfg.House.Settings())
	if saved := r.URL.Query().Get("saved"); houseParts[saved] != nil {
		form.Part, form.Saved = saved, true
	}
	s.drawSettings(w, r, http.StatusOK, s.dnsForm(), form)
}

// dnsForm is the form of the name as it is kept.
func (s *Server) dnsForm() dnsForm {
	n := s.cfg.DNS.DNSName()
	f := dnsForm{NewDNSName: api.NewDNSName{
		Provider: n.Provider, Name: n.Name, User: n.User, Server: n.Server, Path: n.Path, Zone: n.Zone, Algorithm: n.Algorithm,
	}}
	f.Version = versionOf(f.NewDNSName)
	return f
}

// drawSettings shows the page, with what was typed about the name and the house.
func (s *Server) drawSettings(w http.ResponseWriter, r *http.Request, status int, form dnsForm, set houseForm) {
	l := s.language(r)
	p := settingsPage{layout: s.layout(r, l.T("settings.title")), Languages: s.languages.All(), Looks: looks, DNS: s.cfg.DNS.DNSName(), Form: form,
		Set: set, Now: s.cfg.House.Settings(), Me: caller(r), Sealed: !s.unsealed(r)}
	p.Here, p.Port = "/settings", s.portPolicy(l, p.Now.File)
	p.Print, p.Words = s.cfg.Certificate()
	for _, d := range s.cfg.Peers.List() {
		if len(d.NeedsCode) > 0 {
			p.Stale++
		}
	}
	if c, err := r.Cookie(languageCookie); err == nil {
		p.Chosen = c.Value
	}
	p.DNS.Problem, p.DNS.Advice = l.Plain(p.DNS.Problem), l.Plain(p.DNS.Advice)
	for _, provider := range p.DNS.Providers {
		if provider.Key == p.DNS.Provider {
			p.Provider = provider.Label
		}
	}
	for _, f := range p.Now.File {
		p.File = append(p.File, settingOf(l, f))
	}
	s.render(w, r, status, "settings.html", p)
}

func settingOf(l *languages.Language, f api.FileSetting) settingView {
	say := func(v string) string {
		switch v {
		case "", "0", "auto":
			return l.T("settings.automatic")
		case "true":
			return l.T("settings.yes")
		case "false":
			return l.T("settings.no")
		}
		return v
	}
	v := settingView{Key: f.Key, Value: l.T("settings.file_default", "Value", say(f.Value)), Does: l.Code("settings.key", f.Key)}
	if f.Value != f.Default {
		v.Value = l.T("settings.file_changed", "Value", say(f.Value), "Default", say(f.Default))
	}
	return v
}

// chooseLook remembers a language and a look in the browser; "auto" forgets.
func (s *Server) chooseLook(w http.ResponseWriter, r *http.Request) {
	if tag := r.PostFormValue("language"); tag != "" {
		_, known := s.languages.Find(tag)
		s.remember(w, languageCookie, tag, known)
	}
	if look := r.PostFormValue("look"); look != "" {
		s.remember(w, lookCookie, look, look != looks[0] && slices.Contains(looks, look))
	}
	http.Redirect(w, r, ownPath(r.PostFormValue("next")), http.StatusSeeOther)
}

// remember sets a cookie, or ends it.
func (s *Server) remember(w http.ResponseWriter, name, value string, keep bool) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(chosenFor / time.Second), HttpOnly: true, Secure: s.cfg.Secure, SameSite: http.SameSiteLaxMode}
	if !keep {
		c.Value, c.MaxAge = "", -1
	}
	http.SetCookie(w, c)
}

// ownPath is a path of this page, whatever a form says.
func ownPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

// setName takes another DNS name into use.
func (s *Server) setName(w http.ResponseWriter, r *http.Request) {
	field := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	form := dnsForm{NewDNSName: api.NewDNSName{
		Provider: field("provider"), Name: field("name"), User: field("user"), Secret: r.PostFormValue("secret"),
		Server: field("server"), Path: field("path"), Zone: field("zone"), Algorithm: field("algorithm"),
	}}
	now := s.dnsForm()
	err := stillThat(r, now.Version)
	if err == nil {
		err = s.cfg.DNS.SetDNSName(r.Context(), form.NewDNSName)
	}
	form.Secret, form.Version = "", r.PostFormValue(versionField)
	var failure *api.Failure
	switch {
	case errors.Is(err, peers.ErrConflict):
		form.Version, form.Problem, form.Now = now.Version, s.language(r).T("settings.conflict"), form.differences(s.language(r), now)
		s.drawSettings(w, r, http.StatusPreconditionFailed, form, houseFormOf(s.cfg.House.Settings()))
	case err == nil:
		http.Redirect(w, r, "/settings", http.StatusSeeOther)
	case errors.As(err, &failure):
		form.Field, form.Problem = failure.Field, problem(s.language(r), err)
		s.drawSettings(w, r, failure.Status, form, houseFormOf(s.cfg.House.Settings()))
	default:
		s.broken(w, r, err)
	}
}

// removeName ends the keeping of the DNS name.
func (s *Server) removeName(w http.ResponseWriter, r *http.Request) {
	if err := s.cfg.DNS.RemoveDNSName(r.Context()); err != nil {
		s.broken(w, r, err)
		return
	}
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
}
