// Package dnsproxy answers DNS on our own tunnel addresses by asking the
// host's resolvers, so that a code handed out today still names the right
// resolver when the LAN's has moved.
//
// Queries and answers pass unchanged except for the id, which is drawn anew
// towards the resolver. An answer is believed only from the resolver that was
// asked, with the id and the question of the query.
package dnsproxy
