// Package release is what a release of homeward says of itself: a manifest with
// its version, its end and its files, signed by Ed25519.
//
// scripts/release writes it; "homeward update" believes nothing else. A
// signature file is one or more raw signatures of 64 bytes one after the other,
// so that a release can be signed by the old key and the next one at once.
package release
