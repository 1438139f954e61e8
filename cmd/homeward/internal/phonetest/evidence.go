package phonetest

import (
	"time"
)

// Admission says whether the device may come in at all.
type Admission uint8

// The admissions.
const (
	Admitted Admission = iota
	Disabled           // its owner switched it off
	Expired            // its time is over
	Idled              // nobody used it for as many days as its owner said
	Pending            // the tunnel has not taken it yet
)

// Who says whose key a caller has.
type Who uint8

// The callers.
const (
	Nobody   Who = iota // no key that we know, or not any more
	This                // the device that is tested
	Replaced            // the device that is tested, by a code that was replaced
	Removed             // a device that was removed, or another one's replaced code
	Another             // another device of the house
)

// Call is somebody who asked for a handshake since the test began.
type Call struct {
	Who     Who
	Name    string // of a device that was removed, and of another one
	Inside  bool   // it came from the house itself
	Tries   uint64
	Answers uint64
}

// Knock is a handshake that was meant for another server.
type Knock struct{ Inside bool }

// Session is what the device has since the test began.
type Session struct {
	Age     time.Duration // since it is known
	Inside  bool
	OldCode bool // it came in by its old code while a new one waits
	Moved   bool // its code has other addresses than it has here
}

// Inner counts what went through the tunnel since the test began.
type Inner struct {
	From, To uint64 // packets from the device, and to it
	Dropped  uint64 // packets from the device that may not pass
	Reason   string // for most of them
	// Names that were looked up inside the tunnel: answered; a resolver at home
	// would not say; no resolver answered.
	Answered, Refused, Failed uint64
	// Large packets to the device: confirmed by it, and sent again since they
	// were not.
	LargePassed, LargeRepeated uint64
}

// Door says what is known of the router's port.
type Door uint8

// The doors.
const (
	DoorUnknown Door = iota
	DoorMapped       // the router says that it is open
	DoorShut         // it is not open, as far as we know
)

// Evidence is what was observed since a test began.
type Evidence struct {
	Elapsed   time.Duration // since the test began
	Up        bool          // the tunnel runs
	Admission Admission
	Door      Door
	Calls     []Call   // the latest first
	Knocks    []Knock  // for another server
	Strangers int      // sources outside that sent anything else
	Session   *Session // nil: none since the test began
	Inner     Inner
	// DoorAdvice is what to do about the router, in sentences; may be empty.
	DoorAdvice string
}
