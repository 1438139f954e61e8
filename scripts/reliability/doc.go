// Package reliability puts a running homeward through what happens to a home over
// the years: routers that are switched off, cables that are pulled, networks that
// change, phones that roam. Each hardship is a test with a bound of its own on two
// times: until a phone outside can make a handshake, and until it reaches the LAN.
//
// What happens to the port on the router alone is measured by `scripts/lab faults`;
// what happens to the disk is in scripts/e2e and configs/state.
package reliability
