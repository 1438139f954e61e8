// Package apitest holds the interface to its own document in tests: what handlers
// really take and answer has to be what the document says of them.
package apitest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// Document is a document that was found valid.
type Document struct {
	t      testing.TB
	router routers.Router

	mu   sync.Mutex // guards seen
	seen map[string]bool
}

// Load reads a document, and judges it by the specification that it names.
func Load(t testing.TB, document []byte) *Document {
	t.Helper()
	read, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		t.Fatal(err)
	}
	if !read.IsOpenAPI31OrLater() {
		t.Fatalf("the document follows %s", read.OpenAPI)
	}
	r, err := legacy.NewRouter(read) // it validates
	if err != nil {
		t.Fatal(err)
	}
	return &Document{t: t, router: r, seen: map[string]bool{}}
}

// Served loads the document that a handler serves at a path.
func Served(t testing.TB, h http.Handler, path string) *Document {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("the document: %d %s", w.Code, w.Body)
	}
	return Load(t, w.Body.Bytes())
}

// Check fails the test for each answer of next that is not as the document says, and
// for each request that was taken though the document does not allow it. What is not
// below /api/, and streams, pass as they are.
func (d *Document) Check(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			next.ServeHTTP(w, r)
			return
		}
		asked := r.Clone(r.Context())
		var sent bytes.Buffer
		if r.Body != nil {
			r.Body = struct {
				io.Reader
				io.Closer
			}{io.TeeReader(r.Body, &sent), r.Body}
		}
		out := &copied{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(out, r)
		if strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream") {
			return
		}
		asked.Body = io.NopCloser(&sent)
		asked.URL.Scheme, asked.URL.Host = "", "" // as a server gets it
		d.judge(asked, out.status, w.Header(), out.body.Bytes())
	})
}

func (d *Document) judge(r *http.Request, status int, header http.Header, body []byte) {
	route, params, err := d.router.FindRoute(r)
	if err != nil && status >= 400 {
		return // there is nothing, and that was said
	}
	if err != nil {
		d.t.Errorf("%s %s is answered with %d, and is not in the document: %v", r.Method, r.URL.Path, status, err)
		return
	}
	d.mu.Lock()
	d.seen[r.Method+" "+route.Path] = true
	d.mu.Unlock()
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, QueryParams: r.URL.Query(), Route: route,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, SkipSettingDefaults: true, RejectWhenRequestBodyNotSpecified: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
			SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.EnableFormatValidation()}}}
	in.Options.ExcludeResponseBody = !strings.Contains(header.Get("Content-Type"), "json")
	in.Options.ExcludeRequestBody = strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/")
	answer := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: status, Header: header, Options: in.Options, Body: io.NopCloser(bytes.NewReader(body))}
	if err := openapi3filter.ValidateResponse(r.Context(), answer); err != nil {
		d.t.Errorf("%s %s answers %d with what the document does not say: %v\n%.500s", r.Method, r.URL.Path, status, err, body)
	}
	if status >= 300 {
		return
	}
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
		d.t.Errorf("%s %s takes what the document does not allow: %v", r.Method, r.URL, err)
	}
}

// Seen are the rows of which answers were judged, by method and path.
func (d *Document) Seen() map[string]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	seen := map[string]bool{}
	for row := range d.seen {
		seen[row] = true
	}
	return seen
}

// copied keeps what is answered.
type copied struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// Unwrap lets a response controller find the real one.
func (c *copied) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (c *copied) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (c *copied) Write(b []byte) (int, error) {
	if c.body.Len() < 1<<20 {
		c.body.Write(b)
	}
	return c.ResponseWriter.Write(b)
}
