package web

import (
	"errors"
	"net/http"
	"strings"

	"homeward/peers"
	"homeward/web/api"
)

// renumberShown is how many devices the page lists.
const renumberShown = 50

// renumberPage says what giving the tunnel another network would do, and asks.
type renumberPage struct {
	layout
	api.Renumbered
	Network string // that was chosen, or is proposed
	Problem string // said beside it
	Some    []api.RenumberedDevice
	More    int // that are not listed
}

func (s *Server) showRenumber(w http.ResponseWriter, r *http.Request) {
	s.drawRenumber(w, r, http.StatusOK, "", "")
}

// drawRenumber shows the page with the network that was chosen and what is wrong with
// it, or else with the proposed one.
func (s *Server) drawRenumber(w http.ResponseWriter, r *http.Request, status int, network, why string) {
	l := s.language(r)
	p := renumberPage{layout: s.layout(r, l.T("renumber.title")), Network: network, Problem: why}
	p.Here = "/renumber"
	var err error
	p.Renumbered, err = s.cfg.Renumberer.Renumber(r.Context(), api.RenumberWanted{DryRun: true})
	if _, ours := renumberProblem(err); err != nil && !ours {
		s.broken(w, r, err)
		return
	}
	if err != nil && why == "" { // nothing can be proposed: somebody has to choose
		p.Problem = problem(l, err)
	}
	if p.Network == "" && len(p.To) > 0 {
		p.Network = p.To[0]
	}
	p.Some = p.Devices[:min(len(p.Devices), renumberShown)]
	p.More = len(p.Devices) - len(p.Some)
	for i, said := range p.Told {
		p.Told[i] = l.Plain(said)
	}
	s.render(w, r, status, "renumber.html", p)
}

// renumber gives the tunnel another network.
func (s *Server) renumber(w http.ResponseWriter, r *http.Request) {
	network := strings.TrimSpace(r.PostFormValue("network"))
	done, err := s.cfg.Renumberer.Renumber(r.Context(), api.RenumberWanted{Network: network})
	if err == nil {
		s.render(w, r, http.StatusOK, "renumbered.html", renumberPage{layout: s.bare(r, s.language(r).T("renumber.title")), Renumbered: done})
		return
	}
	status, ours := renumberProblem(err)
	if !ours {
		s.broken(w, r, err)
		return
	}
	s.drawRenumber(w, r, status, network, problem(s.language(r), err))
}

// renumberProblem says whether an error is about what was asked for.
func renumberProblem(err error) (status int, ours bool) {
	var field *peers.FieldError
	var failure *api.Failure
	switch {
	case errors.As(err, &failure):
		return failure.Status, true
	case errors.As(err, &field):
		return http.StatusBadRequest, true
	}
	return 0, false
}
