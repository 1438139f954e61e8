// Package risk says in plain words what an open port of the router means: what can
// happen, how bad that is, and what to do. It judges what is in the router's table
// and asks nobody: what answers behind a port is not tried.
//
// One thing can't be seen from inside the house: whether the router itself answers
// to the internet, with its page, UPnP or NAT-PMP. Only an entry of the table that
// leads there tells.
package risk
