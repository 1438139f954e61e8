// Package update replaces the program on disk by a newer release, and puts the
// old one back when the new one does not do its work.
//
//	manifest + signature ─ verified, newer, not expired
//	        └─ program ─ size, SHA-256, built for this platform ─ beside the old one
//	                └─ swapped by one rename ─ restart ─ as well as before? ─ else back
//
// Nothing of a release is believed before its signature, and nothing is run
// before it is installed. Each read is bounded.
package update
