package web

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"homeward/peers/imports"
	"homeward/web/api"
	"homeward/web/languages"
)

// Paths of the import: the first takes large bodies.
const (
	importPath        = "/import"
	importRunningPath = "/import/interface"
	importTakePath    = "/import/take"
)

// importBody bounds a form with the files of another server, in bytes.
const importBody = api.MaxImport + 1<<20

// Nobody reads longer lists; how many are left out is said.
const (
	shownDevices  = 200
	shownSentence = 100
)

// importPage asks for the files of another server, with what was wrong with those of
// before.
type importPage struct {
	layout
	Taken    bool // this homeward has devices of its own
	Problem  string
	Problems []imports.Problem // where and what, in the page's language
	More     int               // problems that are not listed
	MaxMiB   int

	Running  []runningRow // on this machine
	Readable bool         // some of them can be read
	MayBe    bool         // there may be more of them
	OfUpload bool         // the problem is one of what was sent
}

// foundPage says what would become of the files that are held, and asks.
type foundPage struct {
	layout
	ID      string // of the files
	Found   api.Imported
	Kind    string // in the page's language
	Devices []api.ImportedDevice
	Left    int // devices that are not listed
	Told    []string
	Untold  int // sentences that are not listed
	Problem string
	Minutes int    // how long the files are held
	Runs    string // the interface as which the server runs here; empty: it was sent
	Stop    string // the command that mostly ends that
}

// importedPage says that homeward starts again.
type importedPage struct {
	layout
	Devices int
}

func (s *Server) showImport(w http.ResponseWriter, r *http.Request) {
	s.drawImport(w, r, http.StatusOK, importPage{})
}

func (s *Server) drawImport(w http.ResponseWriter, r *http.Request, status int, p importPage) {
	p.layout, p.MaxMiB = s.layout(r, s.language(r).T("import.title")), api.MaxImport>>20
	if p.Taken = len(s.cfg.Peers.List()) > 0; !p.Taken {
		p.Running, p.MayBe = s.runningRows(r)
		p.Readable = slices.ContainsFunc(p.Running, func(row runningRow) bool { return row.Readable })
	}
	s.render(w, r, status, "import.html", p)
}

// lookAtImport says what files would become, and holds them until they are taken.
func (s *Server) lookAtImport(w http.ResponseWriter, r *http.Request) {
	if err := api.WaitForImport(w); err != nil {
		s.broken(w, r, err)
		return
	}
	u, err := api.ReadUploads(r, "file", api.MaxImport)
	// A browser shows no answer that comes before it has sent everything. What is read
	// for nothing is bounded like the rest.
	_, _ = io.Copy(io.Discard, r.Body)
	if err != nil {
		s.importRefused(w, r, source{}, err)
		return
	}
	s.lookAtSource(w, r, source{files: u.Files})
}

// lookAtSource says what a server would become, and holds it until it is taken.
func (s *Server) lookAtSource(w http.ResponseWriter, r *http.Request, from source) {
	found, err := s.cfg.Importer.Import(r.Context(), from.files, true)
	if err != nil {
		s.importRefused(w, r, from, err)
		return
	}
	s.drawFound(w, r, http.StatusOK, from, found, "")
}

// takeImport makes homeward the server whose files are held.
func (s *Server) takeImport(w http.ResponseWriter, r *http.Request) {
	from, there := s.held.take(s.sessions.Token(r.Context()), r.PostFormValue("id"))
	if !there {
		s.drawImport(w, r, http.StatusGone, importPage{Problem: s.language(r).T("import.gone")})
		return
	}
	done, err := s.cfg.Importer.Import(r.Context(), from.files, false)
	var failure *api.Failure
	switch {
	case err == nil:
		s.render(w, r, http.StatusOK, "imported.html", importedPage{s.layout(r, s.language(r).T("import.taken")), len(done.Devices)})
	case errors.As(err, &failure) && failure.Field == "port": // the old server runs: nothing is wrong with the files
		if found, again := s.cfg.Importer.Import(r.Context(), from.files, true); again == nil {
			s.drawFound(w, r, failure.Status, from, found, problem(s.language(r), failure))
			return
		}
		s.importRefused(w, r, from, err)
	default:
		s.importRefused(w, r, from, err)
	}
}

// drawFound holds a server, and asks whether what was found is to be taken over.
func (s *Server) drawFound(w http.ResponseWriter, r *http.Request, status int, from source, found api.Imported, problem string) {
	l, id := s.language(r), s.held.put(s.sessions.Token(r.Context()), from)
	p := foundPage{layout: s.layout(r, l.T("import.found")), ID: id, Found: found, Kind: l.Plain(found.Kind), Devices: found.Devices, Problem: problem, Minutes: int(heldFor / time.Minute)}
	if from.runs != "" {
		p.Runs, p.Stop = from.runs, "sudo systemctl disable --now wg-quick@"+from.runs
	}
	p.Here = importPath // which can be seen again
	if n := len(p.Devices) - shownDevices; n > 0 {
		p.Devices, p.Left = p.Devices[:shownDevices], n
	}
	told := found.Told
	if n := len(told) - shownSentence; n > 0 {
		told, p.Untold = told[:shownSentence], n
	}
	for _, said := range told {
		p.Told = append(p.Told, l.Plain(said))
	}
	s.render(w, r, status, "found.html", p)
}

// importRefused says all that is wrong with a server.
func (s *Server) importRefused(w http.ResponseWriter, r *http.Request, from source, err error) {
	l := s.language(r)
	var failure *api.Failure
	var wrong imports.Problems
	switch {
	case errors.As(err, &failure) && errors.As(err, &wrong):
		p := importPage{OfUpload: from.runs == "", Problem: l.T("import.wrong", "Count", len(wrong))}
		p.Problems, p.More = problemsIn(l, wrong)
		s.drawImport(w, r, failure.Status, p)
	case errors.As(err, &failure):
		s.drawImport(w, r, failure.Status, importPage{OfUpload: from.runs == "", Problem: problem(l, err)})
	default:
		if status, mine := api.StatusOf(err); mine {
			s.drawImport(w, r, status, importPage{OfUpload: from.runs == "", Problem: problem(l, err)})
			return
		}
		s.broken(w, r, err)
	}
}

// problemsIn are problems in a language, and how many more there are.
func problemsIn(l *languages.Language, wrong imports.Problems) (list []imports.Problem, more int) {
	if n := len(wrong) - shownSentence; n > 0 {
		wrong, more = wrong[:shownSentence], n
	}
	for _, p := range wrong {
		list = append(list, imports.Problem{Where: l.Plain(p.Where), What: l.Plain(p.What)})
	}
	return list, more
}
