// Package readme holds the README against what it describes: what it says of security
// has tests that are there, and what it points to is there.
package readme
