// Package wire is what a test and the agent in its machine tell each other: one
// [Request] and one [Answer] in turns, as JSON, one a line.
package wire

import "time"

// Hello is the first line that the agent sends.
const Hello = "the agent is there"

// Request is a program to be run.
type Request struct {
	Command []string      // with its arguments; at least one
	Limit   time.Duration // after which it is killed
}

// Answer is what came of it.
type Answer struct {
	Output  string // of both kinds, mixed
	Problem string // how it ended when it did not end well; empty if it did
}
