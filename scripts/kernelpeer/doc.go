// Package kernelpeer makes a peer of the reference: a whole Linux with its kernel's
// own WireGuard, in an emulated machine on a host of the lab.
//
// The machine has one program, guest, and takes a few seconds. Its network card
// leads to that host, which hides it, so that its packets leave with the host's
// addresses.
package kernelpeer
