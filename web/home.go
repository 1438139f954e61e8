package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"homeward/peers"
	"homeward/web/api"
)

// homePage is the first page: the way home, the devices, and a new one.
type homePage struct {
	layout
	view
	Form     newPeerForm
	Nameless bool // no DNS name is kept for the house
	Echo     echoForm
}

// newPeerForm keeps what was typed.
type newPeerForm struct {
	Name, Profile string
	Problem       string // said above the form
	NameProblem   string // said beside the name
	PublicKey     string
	KeyProblem    string // said beside the key
}

func (s *Server) home(w http.ResponseWriter, r *http.Request) {
	s.showHome(w, r, http.StatusOK, s.emptyPeerForm())
}

// emptyPeerForm is the form of a new device before anything is typed.
func (s *Server) emptyPeerForm() newPeerForm {
	return newPeerForm{Profile: s.cfg.House.Settings().Profile}
}

func (s *Server) showHome(w http.ResponseWriter, r *http.Request, status int, form newPeerForm) {
	s.drawHome(w, r, status, form, s.echoForm())
}

func (s *Server) drawHome(w http.ResponseWriter, r *http.Request, status int, form newPeerForm, echo echoForm) {
	l := s.language(r)
	v := s.view(l, time.Now(), r.URL.Query())
	recent := s.cfg.History.Recent()
	for i, p := range v.list {
		v.Peers[i].Spark = sparkOf(l, recent[p.ID])
	}
	s.render(w, r, status, "home.html", homePage{s.layout(r, l.T("home.title")), v, form, !s.cfg.DNS.DNSName().Chosen, echo})
}

func (s *Server) addPeer(w http.ResponseWriter, r *http.Request) {
	form := newPeerForm{Name: r.PostFormValue("name"), Profile: r.PostFormValue("profile"), PublicKey: r.PostFormValue("public_key")}
	var issued peers.Issued
	wanted, err := api.NewPeer{Name: form.Name, Profile: form.Profile, PublicKey: form.PublicKey}.Parse()
	if err == nil {
		issued, err = s.cfg.Peers.Create(r.Context(), wanted)
	}
	var field *peers.FieldError
	switch {
	case err == nil:
		http.Redirect(w, r, peerURL(issued.Peer.ID), http.StatusSeeOther)
	case errors.As(err, &field) && field.Field == "name":
		form.NameProblem = problem(s.language(r), field)
		s.showHome(w, r, http.StatusBadRequest, form)
	case errors.As(err, &field) && field.Field == "public_key":
		form.KeyProblem = problem(s.language(r), field)
		s.showHome(w, r, http.StatusBadRequest, form)
	case errors.As(err, &field):
		form.Problem = problem(s.language(r), err)
		s.showHome(w, r, http.StatusBadRequest, form)
	case s.ownFault(err):
		s.broken(w, r, err)
	default:
		form.Problem = problem(s.language(r), err)
		s.showHome(w, r, http.StatusConflict, form)
	}
}

func peerURL(id peers.ID) string { return "/peers/" + strconv.FormatInt(int64(id), 10) }
