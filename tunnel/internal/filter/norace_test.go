//go:build !race

package filter

// raceDetector says that everything takes ten times as long.
const raceDetector = false
