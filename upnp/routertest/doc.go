// Package routertest is a home router for tests: it answers UPnP searches, PCP and
// NAT-PMP and keeps a table of port mappings, on loopback, and can be told to
// misbehave in one exact way at a time. It is written against the UPnP texts, RFC
// 6886 and RFC 6887, not against the code it tests, and imports nothing of it.
package routertest
