package api

import (
	_ "embed" // the comments
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"

	"homeward/web/account"
	"homeward/web/api/openapi"
)

// documentPath is where the interface tells what it takes and answers.
const documentPath = "/api/v1/openapi.json"

// problemType is the media type of errors.
const problemType = "application/problem+json"

// about is what a program has to know before its first request.
const about = `Everything that homeward's page does, for programs.

Errors are problem documents (RFC 9457); field names the member of the request that is wrong. Unknown members are refused.

What can be edited has an ETag, which names the state of what can be edited of it: what is only observed changes without it. A change with If-Match happens only as long as the state is that one, else 412; without If-Match the last one wins.

What creates something takes an Idempotency-Key. The same request with the same key, within 24 hours and also at the same time, creates once and gets the same answer, with Idempotency-Replayed: true. Another request with the key is refused (422). A request that was refused or failed may be sent again with its key. An answer with a secret is repeated for ten minutes only, and then refused (410). Keys are remembered in memory: the latest 500 of each login or token, and none after a restart.

A program sends a token, as Authorization: Bearer …, and no cookie: a request with any cookie goes by the cookie, whatever token it has. One that uses the cookie of a login sends an Origin header of the page's own address with all that changes something.`

// keyMeans is what each operation says of its Idempotency-Key. A restart forgets the keys:
// answers with secrets must not be on the disk, and without its answer a key that is known
// could only be refused, as a name that is taken is anyway.
const keyMeans = "a text of your own, such as a UUID, by which the request can be sent again, for 24 hours and until homeward restarts: whoever is cut off by a restart looks first whether the thing is there"

// comments are those of the types on the wire, as their source has them, which a
// program does not have with it.
//
//go:embed comments.json
var comments []byte

// withDocument adds the row that serves the document of all rows, itself among them.
func withDocument(h handler, rows []Route) []Route {
	body := sync.OnceValues(func() ([]byte, error) {
		d, err := documentOf(rows, h.Cookie)
		if err != nil {
			return nil, err
		}
		return json.Marshal(d)
	})
	rows = append(rows, Route{"GET", documentPath, account.ScopeRead, func(w http.ResponseWriter, r *http.Request) {
		b, err := body()
		if err != nil {
			h.fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Write(b)
	}})
	return rows
}

// documentOf makes the document of rows. The cookie is the one of a login; without
// one nobody has to say who he is.
func documentOf(rows []Route, cookie string) (openapi.Document, error) {
	var says map[string]string
	if err := json.Unmarshal(comments, &says); err != nil {
		return openapi.Document{}, fmt.Errorf("reading what types mean: %w", err)
	}
	schemas := &openapi.Schemas{Says: says, Enums: map[reflect.Type][]any{
		reflect.TypeFor[JointState]():    {JointUnknown, JointWorking, JointAttention, JointFailed},
		reflect.TypeFor[TestState]():     {TestWaiting, TestPassed, TestFailed},
		reflect.TypeFor[InterfaceKind](): {InterfaceKernel, InterfaceUserspace},
		reflect.TypeFor[Hairpin]():       {HairpinUnknown, HairpinWorks, HairpinMissing},
		reflect.TypeFor[account.Role]():  {account.RoleAdmin, account.RoleViewer},
		reflect.TypeFor[account.Scope](): {account.ScopeMetrics, account.ScopeRead, account.ScopePeers, account.ScopePorts, account.ScopeAdmin},
	}}
	d := openapi.Document{OpenAPI: openapi.Version, Info: openapi.Info{Title: "homeward", Description: about, Version: "1"},
		Servers: []openapi.Server{{URL: "/"}}, Paths: map[string]map[string]*openapi.Operation{}}
	if cookie != "" {
		d.Components.SecuritySchemes = map[string]openapi.SecurityScheme{
			"login": {Type: "apiKey", In: "cookie", Name: cookie, Description: "Somebody's login on the page."},
			"token": {Type: "http", Scheme: "bearer", Description: "A token that somebody made for a program on the page or on the box; it may what its scopes say."},
		}
	}
	table := operations()
	for _, r := range rows {
		says, ok := table[r.Method+" "+r.Pattern]
		if !ok {
			return d, fmt.Errorf("nothing says what %s %s takes and answers", r.Method, r.Pattern)
		}
		o, err := says.in(schemas, r)
		if err != nil {
			return d, fmt.Errorf("describing %s %s: %w", r.Method, r.Pattern, err)
		}
		for scheme := range d.Components.SecuritySchemes {
			o.Security = append(o.Security, map[string][]string{scheme: {string(r.Needs)}})
		}
		if d.Paths[r.Pattern] == nil {
			d.Paths[r.Pattern] = map[string]*openapi.Operation{}
		}
		d.Paths[r.Pattern][strings.ToLower(r.Method)] = o
	}
	d.Components.Schemas = schemas.Components()
	return d, nil
}

// in is the operation as the document has it, whose types become some of schemas.
func (o operation) in(schemas *openapi.Schemas, r Route) (*openapi.Operation, error) {
	out := &openapi.Operation{ID: o.ID, Summary: o.Summary, Description: o.More, Parameters: append(pathParameters(r.Pattern), o.Query...), Responses: map[string]openapi.Response{}}
	if o.Tagged && r.Method != "GET" && r.Method != "POST" {
		out.Parameters = append(out.Parameters, openapi.Parameter{Name: "If-Match", In: "header", Description: "the ETag of the state that was seen: 412 if it is another one by now", Schema: schemaOf("string")})
	}
	if o.Again != notRepeatable {
		out.Parameters = append(out.Parameters, openapi.Parameter{Name: keyHeader, In: "header", Description: keyMeans, Schema: &jsonschema.Schema{Type: "string", MinLength: jsonschema.Ptr(1), MaxLength: jsonschema.Ptr(maxKey + 2)}})
	}
	var errs []error
	content := func(mediaType string, of any) map[string]openapi.MediaType {
		s, err := schemas.Of(of)
		errs = append(errs, err)
		return map[string]openapi.MediaType{mediaType: {Schema: s}}
	}
	if o.Body != nil {
		out.Body = &openapi.Body{Required: !o.Partial, Content: content("application/json", o.Body)}
	}
	if o.Form != "" {
		if out.Body == nil {
			out.Body = &openapi.Body{Required: true, Content: map[string]openapi.MediaType{}}
		}
		out.Body.Content["multipart/form-data"] = openapi.MediaType{Schema: &jsonschema.Schema{Type: "object", Required: []string{o.Form}}}
	}
	done := openapi.Response{Description: o.Summary, Headers: o.headers()}
	status := o.Status
	switch {
	case o.Answer != nil:
		done.Content = content("application/json", o.Answer)
	case len(o.As) > 0:
		done.Content = map[string]openapi.MediaType{}
	case status == 0:
		status = http.StatusNoContent
	}
	if status == 0 {
		status = http.StatusOK
	}
	for _, t := range o.As {
		done.Content[t] = openapi.MediaType{}
	}
	out.Responses[strconv.Itoa(status)] = done
	if o.Later != nil {
		out.Responses["202"] = openapi.Response{Description: "It is done later, unless that is undone", Content: content("application/json", o.Later)}
	}
	out.Responses["default"] = openapi.Response{Description: "It was refused, or failed", Content: content(problemType, Problem{})}
	return out, errors.Join(errs...)
}

// headers are those of a successful answer.
func (o operation) headers() map[string]openapi.Header {
	h := map[string]openapi.Header{}
	if o.Tagged && o.Answer != nil {
		h["ETag"] = openapi.Header{Description: "the state that was answered", Schema: schemaOf("string")}
	}
	if o.Where {
		h["Location"] = openapi.Header{Description: "where it is from now on", Schema: schemaOf("string")}
	}
	return h
}

// inBraces finds the parameters of a pattern.
var inBraces = regexp.MustCompile(`\{(\w+)\}`)

func pathParameters(pattern string) (list []openapi.Parameter) {
	for _, m := range inBraces.FindAllStringSubmatch(pattern, -1) {
		p := openapi.Parameter{Name: m[1], In: "path", Required: true, Schema: schemaOf("string")}
		switch m[1] {
		case "id":
			p.Schema = schemaOf("integer")
		case "port":
			p.Schema = schemaOf("integer")
		case "protocol":
			p.Schema = schemaOf("string", "tcp", "udp")
		}
		list = append(list, p)
	}
	return list
}

// schemaOf is a simple type: one of JSON's, or date-time; with values, one of those.
func schemaOf(typ string, values ...any) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: typ, Enum: values}
	if typ == "date-time" {
		s.Type, s.Format = "string", typ
	}
	return s
}
