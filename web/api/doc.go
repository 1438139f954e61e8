// Package api is homeward's JSON interface, both ends of it: the handler under
// /api/v1 and the client with which the command line talks to it over a unix
// socket. The types here are the ones on the wire. No private or preshared key
// is ever among them; a config leaves only as the whole that a device gets,
// while its hand-over lasts.
//
// The interface describes itself (OpenAPI 3.1): each row of the table has an entry in
// operations, whose types are the ones on the wire, and tests hold what handlers
// really take and answer to the document.
//
// What creates something can be sent again with an Idempotency-Key, see once: its
// answers are kept in memory only, those with a secret no longer than a hand-over.
//
// Errors are problem details (RFC 9457) with the field that is wrong.
package api
