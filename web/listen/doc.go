// Package listen is how the admin page is reached: the sockets, and the
// certificate that they show.
//
// The page is bound to single private addresses, never to the wildcard address,
// so that it cannot be reached by a public one; Group follows the addresses as
// they come and go. One port speaks both TLS and plain HTTP: a browser that was
// pointed at http:// is sent to https:// instead of seeing an error.
package listen
