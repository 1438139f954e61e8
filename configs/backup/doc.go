// Package backup seals what a homeward knows into one file, and opens it again.
//
// The file is an age file (age-encryption.org/v1), for a passphrase or for a recovery
// code of which only the public half is kept. Inside is data only, never a path: a
// line that says the version, a manifest with sizes and SHA-256 sums, and after it
// the entries one behind the other, without compression, so that a file can't swell.
// Entries have names from a fixed list; one that is not on it, a size over its bound,
// a sum that differs, or a byte after the last entry is refused.
//
// Restoring writes to a staging of package state only: what was restored is complete
// and judged before it replaces anything.
package backup
