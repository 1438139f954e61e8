package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"homeward/peers"
	"homeward/web/api"
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

	Part           string // the form that was sent
	Field, Problem string // what is wrong with it
	Saved          bool   // nothing is
}

func houseFormOf(s api.Settings) houseForm {
	return houseForm{
		House: s.House, Endpoint: s.Endpoint, Resolvers: s.Resolvers, Echo: s.Echo, MTU: count(s.MTU),
		Profile: s.Profile, Access: s.Access, DNS: s.DNS, Keepalive: strconv.Itoa(s.Keepalive), KeepCodes: s.KeepCodes,
	}
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
	v.Value = map[string]string{"house": f.House, "endpoint": f.Endpoint, "resolvers": f.Resolvers, "echo": f.Echo, "mtu": f.MTU, "keepalive": f.Keepalive}[name]
	if f.Field == name {
		v.Problem = f.Problem
	}
	return v
}

// changeSettings stores one part of the settings of the house.
func (s *Server) changeSettings(w http.ResponseWriter, r *http.Request) {
	form := houseFormOf(s.cfg.House.Settings()).typed(r)
	if houseParts[form.Part] == nil {
		s.notFound(w, r)
		return
	}
	change, err := form.change()
	if change.Echo != nil && *change.Echo == s.cfg.House.Settings().Echo {
		change.Echo = nil // what was not touched is no answer to the question of it
	}
	if err == nil {
		err = s.cfg.House.ChangeSettings(r.Context(), change)
	}
	var field *peers.FieldError
	switch {
	case err == nil:
		http.Redirect(w, r, "/settings?saved="+form.Part+"#"+form.Part, http.StatusSeeOther)
	case errors.As(err, &field):
		form.Field, form.Problem = strings.TrimSuffix(field.Field, "_seconds"), problem(s.language(r), field)
		s.drawSettings(w, r, http.StatusBadRequest, s.dnsForm(), form)
	default:
		s.broken(w, r, err)
	}
}
