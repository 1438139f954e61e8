// Package secret holds the values that must never be shown by accident:
// private keys, preshared keys and tokens.
//
// A secret prints, formats, logs and marshals as a placeholder. The only way
// to the value is Reveal, so that every place where one leaves the program can
// be found by searching for that word. The package is a leaf that any room may
// import: it knows WireGuard's key type and nothing else.
package secret
