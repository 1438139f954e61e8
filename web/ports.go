package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"homeward/web/api"
	"homeward/web/languages"
)

// portsPage is what the router lets into the house.
type portsPage struct {
	layout
	Router   string
	Problem  string // said instead of the table
	Partly   bool   // the router has more
	Dangers  int
	Cautions int
	Ports    []portView // the worst first
	Forwards []forwardView
	Form     forwardForm
}

// portView is an opened port in words.
type portView struct {
	api.Port
	Verdict string
	Close   string // where it is closed; empty: not by homeward
}

// closePage asks before a port is closed.
type closePage struct {
	layout
	Port portView
}

func (s *Server) showPorts(w http.ResponseWriter, r *http.Request) {
	s.listPorts(w, r, http.StatusOK, forwardForm{})
}

// listPorts shows the page of ports, with what was typed.
func (s *Server) listPorts(w http.ResponseWriter, r *http.Request, status int, form forwardForm) {
	l := s.language(r)
	page := portsPage{layout: s.layout(r, l.T("ports.title")), Forwards: s.forwards(l), Form: form}
	t, err := s.cfg.Router.Ports(r.Context())
	var failure *api.Failure
	switch {
	case errors.As(err, &failure):
		page.Problem = problem(s.language(r), err)
	case err != nil:
		s.broken(w, r, err)
		return
	}
	page.Router, page.Partly = cmp.Or(t.Router, l.T("ports.the_router")), err == nil && !t.Complete
	for _, p := range t.Ports {
		page.Ports = append(page.Ports, portOf(l, p))
		switch p.Risk {
		case "danger":
			page.Dangers++
		case "caution":
			page.Cautions++
		}
	}
	rank := []string{"danger", "caution", "fine"}
	slices.SortStableFunc(page.Ports, func(a, b portView) int {
		return cmp.Compare(slices.Index(rank, a.Risk), slices.Index(rank, b.Risk))
	})
	s.render(w, r, status, "ports.html", page)
}

func portOf(l *languages.Language, p api.Port) portView {
	p.Findings, p.Device = findings(l, p.Findings), l.Plain(p.Device)
	v := portView{Port: p, Verdict: l.Code("ports.verdict", p.Risk)}
	if !p.Ours {
		v.Close = fmt.Sprintf("/ports/%s/%d/close", strings.ToLower(p.Protocol), p.External)
	}
	return v
}

// findings says what an open port means.
func findings(l *languages.Language, english []api.Finding) []api.Finding {
	list := slices.Clone(english)
	for i := range list {
		list[i].Reason, list[i].Advice = l.Plain(list[i].Reason), l.Plain(list[i].Advice)
	}
	return list
}

// withPort reads the port that the path names.
func (s *Server) withPort(next func(w http.ResponseWriter, r *http.Request, protocol string, external uint16)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		protocol := strings.ToUpper(r.PathValue("protocol"))
		external, err := strconv.ParseUint(r.PathValue("port"), 10, 16)
		if err != nil || protocol != "TCP" && protocol != "UDP" {
			s.notFound(w, r)
			return
		}
		next(w, r, protocol, uint16(external))
	}
}

func (s *Server) confirmClose(w http.ResponseWriter, r *http.Request, protocol string, external uint16) {
	t, err := s.cfg.Router.Ports(r.Context())
	if err != nil {
		s.routerRefused(w, r, err)
		return
	}
	i := slices.IndexFunc(t.Ports, func(p api.Port) bool { return p.Protocol == protocol && p.External == external && !p.Ours })
	if i < 0 {
		s.notFound(w, r)
		return
	}
	l := s.language(r)
	s.render(w, r, http.StatusOK, "closeport.html", closePage{s.layout(r, l.T("ports.close_title", "Port", fmt.Sprint(protocol, " ", external))), portOf(l, t.Ports[i])})
}

func (s *Server) closePort(w http.ResponseWriter, r *http.Request, protocol string, external uint16) {
	if err := s.cfg.Router.ClosePort(r.Context(), protocol, external); err != nil {
		s.routerRefused(w, r, err)
		return
	}
	http.Redirect(w, r, "/ports", http.StatusSeeOther)
}

// routerRefused says what the router, or the mapper, did not want to do.
func (s *Server) routerRefused(w http.ResponseWriter, r *http.Request, err error) {
	var failure *api.Failure
	if !errors.As(err, &failure) {
		s.broken(w, r, err)
		return
	}
	s.message(w, r, failure.Status, s.language(r).T("layout.not_done"), problem(s.language(r), err))
}
