package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"homeward/peers"
	"homeward/web/api"
)

// echoForm is the question whether servers outside may be asked by which address they
// see the house. It is put until it is answered, and never again.
type echoForm struct {
	Ask     bool
	Offers  []echoOffer
	Own     string // a server that was typed
	Problem string
}

// echoOffer is a server that can be ticked.
type echoOffer struct {
	Server string
	Ticked bool
}

// echoForm is the question, where it is not answered yet.
func (s *Server) echoForm() echoForm {
	now := s.cfg.House.Settings()
	f := echoForm{Ask: !now.EchoAnswered}
	for _, server := range now.EchoOffers {
		f.Offers = append(f.Offers, echoOffer{Server: server})
	}
	return f
}

// answerEcho takes the answer: a no is remembered as well as a yes, which needs a server.
func (s *Server) answerEcho(w http.ResponseWriter, r *http.Request) {
	form := s.echoForm()
	form.Ask, form.Own = true, strings.TrimSpace(r.PostFormValue("own"))
	var chosen []string
	for i := range form.Offers {
		o := &form.Offers[i]
		if o.Ticked = slices.Contains(r.PostForm["server"], o.Server); o.Ticked {
			chosen = append(chosen, o.Server)
		}
	}
	if form.Own != "" {
		chosen = append(chosen, form.Own)
	}
	servers := strings.Join(chosen, ", ")
	switch answer := r.PostFormValue("answer"); {
	case answer == "no":
		servers = ""
	case answer != "yes":
		s.notFound(w, r)
		return
	case servers == "":
		form.Problem = s.language(r).T("echo.none")
		s.drawHome(w, r, http.StatusBadRequest, s.emptyPeerForm(), form)
		return
	}
	err := s.cfg.House.ChangeSettings(r.Context(), api.SettingsChange{Echo: &servers})
	var field *peers.FieldError
	switch {
	case err == nil:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case errors.As(err, &field):
		form.Problem = problem(s.language(r), field)
		s.drawHome(w, r, http.StatusBadRequest, s.emptyPeerForm(), form)
	default:
		s.broken(w, r, err)
	}
}
