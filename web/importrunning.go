package web

import (
	"net/http"

	"homeward/web/api"
	"homeward/web/words"
)

// runningRow is an interface that runs on this machine.
type runningRow struct {
	api.RunningInterface
	Problem string // why it cannot be read, in the page's language
}

// runningRows are those that could be taken over, and whether there may be more.
func (s *Server) runningRows(r *http.Request) (rows []runningRow, more bool) {
	all := s.cfg.Importer.Interfaces(r.Context())
	l := s.language(r)
	for _, i := range all.Interfaces {
		row := runningRow{RunningInterface: i}
		if !i.Readable {
			row.Problem = words.Sentence(l.Plain(i.Problem))
		}
		rows = append(rows, row)
	}
	return rows, all.Problem != ""
}

// lookAtRunning says what an interface of this machine would become. What was read of it
// stays here: the browser gets the name under which it is held.
func (s *Server) lookAtRunning(w http.ResponseWriter, r *http.Request) {
	from := source{runs: r.PostFormValue("interface")}
	var err error
	if from.files, err = s.cfg.Importer.ReadInterface(r.Context(), from.runs); err != nil {
		s.importRefused(w, r, from, err)
		return
	}
	s.lookAtSource(w, r, from)
}
