// Package phonetest says how far a phone comes on its way in, and why it comes
// no further. It is pure: evidence goes in, a verdict comes out.
//
//	reach ─ outside ─ key ─ known ─ answer ─ data ─ names ─ large
//
// A stage counts as passed only when that was observed. The verdict names the
// stage where it stops, the cause, and the cure.
package phonetest
