package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"homeward/web/api"
	"homeward/web/languages"
)

// forwardView is a port that the owner wants open, in words.
type forwardView struct {
	api.Forward
	Ports   string
	Verdict string
}

// forwardForm keeps what was typed.
type forwardForm struct {
	Name, Protocol, External, Last, Machine, Internal string
	// Problem is said above the form, or beside the field named Field.
	Field, Problem string
}

func (s *Server) forwards(l *languages.Language) []forwardView {
	var list []forwardView
	for _, f := range s.cfg.Forwards.Forwards() {
		f.Findings, f.Problem = findings(l, f.Findings), l.Plain(f.Problem)
		v := forwardView{Forward: f, Ports: f.Protocol + " " + strconv.Itoa(int(f.External)), Verdict: l.Code("ports.forward_state", f.State)}
		if f.Last > f.External {
			v.Ports += "–" + strconv.Itoa(int(f.Last))
		}
		list = append(list, v)
	}
	return list
}

// openForward makes a rule of the form on the page of ports.
func (s *Server) openForward(w http.ResponseWriter, r *http.Request) {
	form := forwardForm{
		Name: r.PostFormValue("name"), Protocol: r.PostFormValue("protocol"), External: r.PostFormValue("external"), Last: r.PostFormValue("last"),
		Machine: r.PostFormValue("machine"), Internal: r.PostFormValue("internal"),
	}
	n, field := form.read()
	if field != "" {
		form.Field, form.Problem = field, s.language(r).T("ports.not_a_port")
		s.listPorts(w, r, http.StatusBadRequest, form)
		return
	}
	_, err := s.cfg.Forwards.OpenForward(r.Context(), n)
	var failure *api.Failure
	switch {
	case err == nil:
		http.Redirect(w, r, "/ports", http.StatusSeeOther)
	case errors.As(err, &failure):
		form.Field, form.Problem = failure.Field, problem(s.language(r), err)
		s.listPorts(w, r, failure.Status, form)
	default:
		s.broken(w, r, err)
	}
}

// read makes a rule of what was typed; field is the number that is none.
func (f forwardForm) read() (n api.NewForward, field string) {
	n = api.NewForward{Name: strings.TrimSpace(f.Name), Protocol: f.Protocol, Machine: strings.TrimSpace(f.Machine)}
	for _, p := range []struct {
		field, text string
		into        *uint16
	}{{"external", f.External, &n.External}, {"last", f.Last, &n.Last}, {"internal", f.Internal, &n.Internal}} {
		text := strings.TrimSpace(p.text)
		if text == "" && p.field != "external" {
			continue
		}
		v, err := strconv.ParseUint(text, 10, 16)
		if err != nil || v == 0 {
			return n, p.field
		}
		*p.into = uint16(v)
	}
	return n, ""
}

// withForward reads the rule's number from the path.
func (s *Server) withForward(next func(http.ResponseWriter, *http.Request, int64) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			s.notFound(w, r)
			return
		}
		if err := next(w, r, id); err != nil {
			s.routerRefused(w, r, err)
			return
		}
		http.Redirect(w, r, "/ports", http.StatusSeeOther)
	}
}

func (s *Server) switchForward(on bool) func(http.ResponseWriter, *http.Request, int64) error {
	return func(_ http.ResponseWriter, r *http.Request, id int64) error {
		_, err := s.cfg.Forwards.SwitchForward(r.Context(), id, on)
		return err
	}
}

func (s *Server) removeForward(_ http.ResponseWriter, r *http.Request, id int64) error {
	return s.cfg.Forwards.RemoveForward(r.Context(), id)
}

// fieldView is one field of the form.
type fieldView struct {
	Name, Label, Value, Example, Problem, Hint string
	Required                                   bool
}

// forwardField is a field with what is wrong with it.
func forwardField(f forwardForm, name, label, value, example string, required bool) fieldView {
	v := fieldView{Name: name, Label: label, Value: value, Example: example, Required: required}
	if f.Field == name {
		v.Problem = f.Problem
	}
	return v
}
