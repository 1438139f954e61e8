package api

import (
	"maps"

	"homeward/web/api/openapi"
)

// operation says of a row of the interface what the row itself does not: what goes in
// and what comes out. A row without one fails the tests.
type operation struct {
	ID      string // by which programs made from the document call it
	Summary string
	More    string // what else there is to know; may be empty
	Query   []openapi.Parameter
	Body    any      // a value of the type that is read as JSON; nil: there is no body
	Partial bool     // the body may be left out
	Form    string   // the part of a form that has a file, instead of a body
	Status  int      // of success; zero means 200 or, without an answer, 204
	Answer  any      // a value of the type that is answered as JSON; nil: nothing
	As      []string // the media types of an answer that is not JSON, or not always
	Later   any      // what 202 answers, where it can
	Tagged  bool     // the answer has an ETag, if there is one; a change takes If-Match
	Where   bool     // the answer has a Location
	Again   repeat   // what an Idempotency-Key does
}

// operations are those of all rows, by method and pattern.
func operations() map[string]operation {
	all := map[string]operation{}
	for _, some := range []map[string]operation{houseOperations(), routerOperations(), peerOperations(), codeOperations(), backupOperations(), boxOperations(), tokenOperations()} {
		maps.Copy(all, some)
	}
	return all
}

// query makes a parameter of the query that may be left out.
func query(name, typ, what string, values ...any) openapi.Parameter {
	return openapi.Parameter{Name: name, In: "query", Description: what, Schema: schemaOf(typ, values...)}
}

// several is one that may occur several times.
func several(name, what string, values ...any) openapi.Parameter {
	p := query(name, "array", what)
	p.Schema.Items = schemaOf("string", values...)
	return p
}
