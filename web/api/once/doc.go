// Package once lets a request that creates something be sent again without creating
// it twice: a key that the program chose stands for the request
// (draft-ietf-httpapi-idempotency-key-header), and its answer is given again.
//
// What is remembered is in memory only, bounded, and for a day. An answer with a
// secret is forgotten as soon as a hand-over would be; that there was one is
// remembered as long as the others. A restart forgets all of it: then the names of
// devices, users and tokens, of which there are no two, still keep most from being made twice.
package once
