//go:build !linux

package memory

// releaseProgram is for Linux.
func releaseProgram() {}
