package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strconv"
	"strings"

	"homeward/web/api"
	"homeward/web/languages"
	"homeward/web/onuse"
)

//go:embed templates
var templateFiles embed.FS

// layout is what every page has. Server.layout and Server.bare make one.
type layout struct {
	Title string
	Bare  bool // without the way to other pages
	May   bool // it is an admin who looks, who may change things
	Look  string
	Here  string // the page itself, for a form that leads back to it
	Known []*languages.Language
	Plain bool   // others on the way can read along
	House string // what the owner calls it
}

// Current marks a link of the header that leads to the page itself.
func (l layout) Current(path string) template.HTMLAttr {
	here, _, _ := strings.Cut(l.Here, "?")
	if here != path {
		return ""
	}
	return ` aria-current="page"`
}

// layout is a page of the admin's, with a title in the page's language.
func (s *Server) layout(r *http.Request, title string) layout {
	return layout{title, false, mayChange(r), look(r), s.here(r), s.languages.All(), s.unsealed(r), s.cfg.House.Settings().House}
}

// bare is a page without the way to other pages.
func (s *Server) bare(r *http.Request, title string) layout {
	return layout{title, true, false, look(r), s.here(r), s.languages.All(), s.unsealed(r), ""} // strangers are not told its name
}

// here is where the page can be seen again.
func (s *Server) here(r *http.Request) string {
	if r.Method != http.MethodGet {
		return r.URL.Path
	}
	return r.URL.RequestURI()
}

// pages are the templates for one language, so that a template says a text without
// being told in which.
type pages struct {
	templates *template.Template
	err       error
}

// pagesOf reads the templates of a language when somebody looks at a page in it: they
// take a megabyte.
func pagesOf(a assets, all []*languages.Language) map[*languages.Language]*onuse.Value[pages] {
	read := map[*languages.Language]*onuse.Value[pages]{}
	for _, l := range all {
		read[l] = onuse.New(func() pages {
			t, err := template.New("").Funcs(template.FuncMap{"asset": a.url, "field": forwardField, "dnsfield": dnsField, "housefield": houseField, "houseform": ofPart}).Funcs(languages.Funcs(l)).ParseFS(templateFiles, "templates/*.html")
			return pages{t, err}
		})
	}
	return read
}

// execute fails for a template that cannot be read, too.
func (p pages) execute(w io.Writer, name string, page any) error {
	if p.err != nil {
		return fmt.Errorf("reading the page's templates: %w", p.err)
	}
	return p.templates.ExecuteTemplate(w, name, page)
}

// render writes a page as a whole: one that fails halfway is not sent.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, name string, page any) {
	var b bytes.Buffer
	l := s.language(r)
	if err := s.pages[l].Get().execute(&b, name, page); err != nil {
		s.cfg.Logger.Error("drawing a page failed", "page", name, "err", err)
		http.Error(w, "This page cannot be drawn: the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", l.Tag())
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
	l := s.language(r)
	s.message(w, r, http.StatusNotFound, l.T("layout.not_found"), l.T("layout.nothing_here"))
}

// message says one thing, in the page's language.
func (s *Server) message(w http.ResponseWriter, r *http.Request, status int, title, text string) {
	s.render(w, r, status, "message.html", messagePage{s.layout(r, title), text})
}

// broken answers to an error that is ours. What it was stays in the log.
func (s *Server) broken(w http.ResponseWriter, r *http.Request, err error) {
	s.cfg.Logger.Error("request failed", "path", r.URL.Path, "err", err)
	l := s.language(r)
	if trouble := api.TroubleOf(err); trouble != "" {
		s.message(w, r, http.StatusInsufficientStorage, l.T("layout.broken"), l.Code("layout.disk", string(trouble)))
		return
	}
	s.message(w, r, http.StatusInternalServerError, l.T("layout.broken"), l.T("layout.broken_why"))
}
