//go:build race

package tunnel

// raceDetector says that everything takes ten times as long.
const raceDetector = true
