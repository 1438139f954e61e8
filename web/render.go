package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
)

//go:embed templates
var templateFiles embed.FS

// layout is what every page has.
type layout struct {
	Title string
	Bare  bool // without the way to other pages
}

func (s *Server) layout(title string) layout { return layout{title, true} }

func parsePages(a assets) (*template.Template, error) {
	t, err := template.New("").Funcs(template.FuncMap{"asset": a.url, "field": forwardField}).ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("reading the page's templates: %w", err)
	}
	return t, nil
}

// render writes a page as a whole: one that fails halfway is not sent.
func (s *Server) render(w http.ResponseWriter, status int, name string, page any) {
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, name, page); err != nil {
		s.cfg.Logger.Error("drawing a page failed", "page", name, "err", err)
		http.Error(w, "This page cannot be drawn: the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

// messagePage says one thing.
type messagePage struct {
	layout
	Text string
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	s.message(w, http.StatusNotFound, "Not found", "There is nothing here. It may have been removed.")
}

func (s *Server) message(w http.ResponseWriter, status int, title, text string) {
	s.render(w, status, "message.html", messagePage{layout{title, false}, text})
}

// broken answers to an error that is ours. What it was stays in the log.
func (s *Server) broken(w http.ResponseWriter, r *http.Request, err error) {
	s.cfg.Logger.Error("request failed", "path", r.URL.Path, "err", err)
	s.message(w, http.StatusInternalServerError, "Something went wrong", "This did not work, and it is not your fault. The log says what happened; nothing was changed halfway.")
}
