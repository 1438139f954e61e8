package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"homeward/peers"
	"homeward/web/api"
	"homeward/web/languages"
)

// houseParts are the forms for the settings of the house, each with its fields. What a
// form doesn't have is not changed by it.
var houseParts = map[string][]string{
	"calls": {"endpoint", "mtu", "echo"},
	"names": {"resolvers"},
	"new":   {"profile", "access", "dns", "keepalive"},
	"house": {"house"},
	"codes": {"keep_codes"},
}

// houseForm is the settings of the house as a form has them.
type houseForm struct {
	House, Endpoint, Resolvers, Echo, MTU string
	Profile, Access, Keepalive            string
	DNS, KeepCodes                        bool

	Part           string       // the form that was sent
	Field, Problem string       // what is wrong with it
	Saved          bool         // nothing is
	Now            []difference // after a conflict: what of the part is another one now

	versions map[string]string // what each part shows
}

func houseFormOf(s api.Settings) houseForm {
	f := houseForm{
		House: s.House, Endpoint: s.Endpoint, Resolvers: s.Resolvers, Echo: s.Echo, MTU: count(s.MTU),
		Profile: s.Profile, Access: s.Access, DNS: s.DNS, Keepalive: strconv.Itoa(s.Keepalive), KeepCodes: s.KeepCodes,
		versions: map[string]string{},
	}
	for part, fields := range houseParts {
		var shown []any
		for _, name := range fields {
			shown = append(shown, f.value(name))
		}
		f.versions[part] = versionOf(shown...)
	}
	return f
}

// Version names what a part of the form shows.
func (f houseForm) Version(part string) string { return f.versions[part] }

// value is a field of the form; flags are "on" or nothing, as browsers send them.
func (f houseForm) value(name string) string {
	flag := map[bool]string{true: "on"}
	return map[string]string{
		"house": f.House, "endpoint": f.Endpoint, "resolvers": f.Resolvers, "echo": f.Echo, "mtu": f.MTU, "profile": f.Profile,
		"access": f.Access, "keepalive": f.Keepalive, "dns": flag[f.DNS], "keep_codes": flag[f.KeepCodes],
	}[name]
}

// differences lists what of the sent part is another one now.
func (f houseForm) differences(l *languages.Language, now houseForm) []difference {
	yes := map[string]string{"on": l.T("settings.yes"), "": l.T("settings.no")}
	say := func(name, value string) string {
		switch name {
		case "profile":
			return map[string]string{"home": l.T("home.through_home"), "everything": l.T("home.through_everything")}[value]
		case "access":
			return reachWords(l, peers.Access(value))
		case "dns", "keep_codes":
			return yes[value]
		}
		return value
	}
	labels := map[string]string{
		"house": "settings.house_name", "endpoint": "settings.endpoint", "resolvers": "settings.resolvers", "echo": "settings.echo", "mtu": "settings.mtu",
		"profile": "home.through", "access": "access.title", "keepalive": "edit.keepalive", "dns": "edit.dns", "keep_codes": "settings.keep_codes",
	}
	var fields []typedField
	for _, name := range houseParts[f.Part] {
		fields = append(fields, typedField{l.T(labels[name]), say(name, f.value(name)), say(name, now.value(name))})
	}
	return changedTo(fields)
}

// count is a number, and nothing for none.
func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// typed is the form with what a request has of its part.
func (f houseForm) typed(r *http.Request) houseForm {
	f.Part = r.PostFormValue("part")
	fields := map[string]*string{"house": &f.House, "endpoint": &f.Endpoint, "resolvers": &f.Resolvers, "echo": &f.Echo, "mtu": &f.MTU, "profile": &f.Profile, "access": &f.Access, "keepalive": &f.Keepalive}
	for _, name := range houseParts[f.Part] {
		if to := fields[name]; to != nil {
			*to = strings.TrimSpace(r.PostFormValue(name))
		}
	}
	if slices.Contains(houseParts[f.Part], "dns") {
		f.DNS = r.PostFormValue("dns") != ""
	}
	if slices.Contains(houseParts[f.Part], "keep_codes") {
		f.KeepCodes = r.PostFormValue("keep_codes") != ""
	}
	return f
}

// change is what the form's part asks for.
func (f houseForm) change() (c api.SettingsChange, err error) {
	number := func(field, s string) *int {
		n, wrong := strconv.Atoi(s)
		if wrong != nil && s != "" {
			err = &peers.FieldError{Field: field, Problem: "this is not a whole number"}
		}
		return &n
	}
	for _, name := range houseParts[f.Part] {
		switch name {
		case "house":
			c.House = &f.House
		case "endpoint":
			c.Endpoint = &f.Endpoint
		case "resolvers":
			c.Resolvers = &f.Resolvers
		case "echo":
			c.Echo = &f.Echo
		case "mtu":
			c.MTU = number(name, f.MTU)
		case "profile":
			c.Profile = &f.Profile
		case "access":
			c.Access = &f.Access
		case "dns":
			c.DNS = &f.DNS
		case "keep_codes":
			c.KeepCodes = &f.KeepCodes
		case "keepalive":
			c.Keepalive = number(name, f.Keepalive)
		}
	}
	return c, err
}

// Beside says whether the problem is said beside a field.
func (f houseForm) Beside() bool {
	return slices.Contains([]string{"house", "endpoint", "resolvers", "echo", "mtu", "keepalive"}, f.Field)
}

// ofPart is the form, if it is the one that was sent.
func ofPart(f houseForm, part string) houseForm {
	if f.Part != part {
		return houseForm{}
	}
	return f
}

// houseField is a text field of the form, with what is wrong with it.
func houseField(f houseForm, name, label, hint, example string) fieldView {
	v := fieldView{Name: name, Label: label, Hint: hint, Example: example}
	v.Value = f.value(name)
	if f.Field == name {
		v.Problem = f.Problem
	}
	return v
}

// changeSettings stores one part of the settings of the house.
func (s *Server) changeSettings(w http.ResponseWriter, r *http.Request) {
	now := houseFormOf(s.cfg.House.Settings())
	form := now.typed(r)
	if houseParts[form.Part] == nil {
		s.notFound(w, r)
		return
	}
	change, err := form.change()
	if change.Echo != nil && *change.Echo == s.cfg.House.Settings().Echo {
		change.Echo = nil // what was not touched is no answer to the question of it
	}
	if err == nil {
		err = stillThat(r, now.Version(form.Part))
	}
	if err == nil {
		err = s.cfg.House.ChangeSettings(r.Context(), change)
	}
	var field *peers.FieldError
	switch {
	case errors.Is(err, peers.ErrConflict):
		l := s.language(r)
		form.Problem, form.Now = l.T("settings.conflict"), form.differences(l, now)
		s.drawSettings(w, r, http.StatusPreconditionFailed, s.dnsForm(), form)
	case err == nil:
		http.Redirect(w, r, "/settings?saved="+form.Part+"#"+form.Part, http.StatusSeeOther)
	case errors.As(err, &field):
		if sent := r.PostForm[versionField]; len(sent) == 1 { // the next try is for what this one was for
			form.versions[form.Part] = sent[0]
		}
		form.Field, form.Problem = strings.TrimSuffix(field.Field, "_seconds"), problem(s.language(r), field)
		s.drawSettings(w, r, http.StatusBadRequest, s.dnsForm(), form)
	default:
		s.broken(w, r, err)
	}
}
