// Package kernelnews tells when the kernel changes an interface, an address or a
// route. It says that something changed, never what: who hears it looks anew.
package kernelnews
