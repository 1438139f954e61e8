package ddns

import (
	"fmt"
	"time"
)

// kind says what a fault means for the next try.
type kind uint8

const (
	temporary kind = iota // tried again, with backoff
	stop                  // not tried again before the config changes
	abuse                 // the provider wants to be left alone for hours
)

// fault is why a provider did not publish. All providers' errors are faults.
type fault struct {
	kind kind
	// problem is for someone who reports a bug, advice the one thing to do.
	problem, advice string
	// after is how long to wait at least; zero leaves it to the backoff.
	after time.Duration
}

func (f *fault) Error() string { return f.problem }

const tryLater = "nothing to do: homeward tries again by itself"

func faultf(advice, format string, args ...any) *fault {
	return &fault{problem: fmt.Sprintf(format, args...), advice: advice}
}

func (f *fault) stops() *fault { f.kind = stop; return f }

func (f *fault) waits(d time.Duration) *fault { f.after = d; return f }

func badAuth(p Provider, detail string) *fault {
	return faultf(fmt.Sprintf("make a new %s at %s and enter it here; until then nothing is sent", p.SecretName(), p.Label()),
		"%s refused the credentials%s", p.Label(), inBrackets(detail)).stops()
}

func inBrackets(detail string) string {
	if detail == "" {
		return ""
	}
	return " (" + detail + ")"
}
