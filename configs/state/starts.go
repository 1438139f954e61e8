package state

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// startsFile tells of starts that did not go well. There is none while all is well.
const startsFile = "starts"

// Starts are the latest starts in a row that did not go well. No times are among it:
// the clock of a box that was just switched on may say anything.
type Starts struct {
	Version string `json:"version"`        // of the program that was started
	Failed  int    `json:"failed"`         // how often it ended before it had run well
	Safe    bool   `json:"safe,omitempty"` // the latest start was in safe mode, which has not run well yet either
	Why     string `json:"why,omitempty"`  // the error it ended with; empty when it was killed or crashed
}

// ReadStarts reads the starts of the state directory dir, which need not be open. What
// cannot be read counts for nothing: it must not keep homeward from starting.
func ReadStarts(dir string) Starts {
	var s Starts
	text, err := os.ReadFile(filepath.Join(dir, startsFile))
	if err != nil || json.Unmarshal(text, &s) != nil {
		return Starts{}
	}
	return s
}

// Starts reads them.
func (s *State) Starts() Starts { return ReadStarts(s.dir) }

// SetStarts writes them down. The zero value says that all is well, and costs nothing
// where that was known.
func (s *State) SetStarts(n Starts) error {
	if n == (Starts{}) {
		there, err := s.exists(startsFile)
		if err == nil && there {
			err = s.removeIfThere(startsFile)
		}
		if err != nil {
			return fmt.Errorf("removing %s: %w", s.Path(startsFile), err)
		}
		return nil // should a power cut bring it back, too many are counted once
	}
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return s.WriteFile(startsFile, text)
}
