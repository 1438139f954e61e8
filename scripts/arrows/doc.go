// Package arrows holds the test that keeps the rooms of the house apart: which
// folder may import which, and where a large dependency may be known.
package arrows
