package api

import "net/http"

// InterfaceKind is where a WireGuard interface runs.
type InterfaceKind string

// The kinds: in the kernel, or in a program.
const (
	InterfaceKernel    InterfaceKind = "kernel"
	InterfaceUserspace InterfaceKind = "userspace"
)

// RunningInterfaces are the WireGuard interfaces that run on this machine and could be
// imported, but for homeward's own.
type RunningInterfaces struct {
	Interfaces []RunningInterface `json:"interfaces"`
	Problem    string             `json:"problem,omitempty"` // why there may be more than these
}

// RunningInterface is one of them. Its keys are not told.
type RunningInterface struct {
	Name     string        `json:"name"`
	Kind     InterfaceKind `json:"kind"`
	Port     uint16        `json:"port"`              // UDP, on which it listens; 0 if it cannot be read
	Devices  int           `json:"devices"`           // how many it knows; 0 if it cannot be read
	Readable bool          `json:"readable"`          // whether homeward can import it by its name
	Problem  string        `json:"problem,omitempty"` // why not, and what can be done instead
	Command  string        `json:"command,omitempty"` // which imports it on this machine, where homeward lacks the right
}

func (h handler) runningInterfaces(w http.ResponseWriter, r *http.Request) {
	h.reply(w, http.StatusOK, h.Importer.Interfaces(r.Context()).full())
}
