// Package openapi makes the document in which an HTTP interface tells programs what
// it takes and answers (OpenAPI 3.1): the few objects of it that homeward needs, and
// the schemas of Go types as encoding/json writes them. It knows no route; web/api
// fills it from its own table.
package openapi
