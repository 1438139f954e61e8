//go:build !unix

package memory

import "time"

var began = time.Now()

// worked is not known here: we count as busy all the time.
func worked() time.Duration { return time.Since(began) }
