package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
)

// Router is what can be done with the home router's table.
type Router interface {
	// Ports reads the whole table.
	Ports(context.Context) (PortTable, error)
	// ClosePort removes an entry that is not homeward's own.
	ClosePort(ctx context.Context, protocol string, external uint16) error
	// Guide says how homeward's port is opened by hand. The router's brand is empty
	// for the one that is there, as far as it can be told.
	Guide(router string) (Guide, error)
	// ForwardByHand notes that the owner forwards homeward's port himself, on a router
	// of that brand if it isn't empty: the router is not asked for it any more.
	ForwardByHand(ctx context.Context, router string) error
	// AskRouterAgain takes that back.
	AskRouterAgain(context.Context) error
}

// PortTable is what the router sends into the house.
type PortTable struct {
	Router   string `json:"router"`   // its own name for itself; may be empty
	Complete bool   `json:"complete"` // false: there are more than are listed
	Ports    []Port `json:"ports"`
}

// Port is a row of the router's table.
type Port struct {
	Protocol    string `json:"protocol"` // TCP or UDP
	External    uint16 `json:"external"`
	Remote      string `json:"remote,omitempty"` // from where alone; empty: from everywhere
	Internal    string `json:"internal"`
	Enabled     bool   `json:"enabled"`
	Description string `json:"description"`
	Lease       int64  `json:"lease_seconds"`  // zero: without end, or not told
	Ours        bool   `json:"ours"`           // by this one devices come home
	Kept        bool   `json:"kept,omitempty"` // one that the owner wants open: see Forward
	// Device is whose it is, as far as that is known: the name that the router has
	// for the machine, "this box" or "the router".
	Device string `json:"device,omitempty"`
	Absent bool   `json:"absent,omitempty"` // nobody answered there just now
	Risk   string `json:"risk"`             // of the worst finding: fine, caution or danger
	// Findings are what there is to say, the worst first.
	Findings []Finding `json:"findings"`
}

// Finding is one thing to say about a port.
type Finding struct {
	Level  string `json:"level"`            // fine, caution or danger
	Reason string `json:"reason"`           // one sentence: what can happen, or what it is
	Advice string `json:"advice,omitempty"` // one sentence: what to do; empty: nothing
}

// Failure is an error with a status of its own, for what the handler is handed.
type Failure struct {
	Status int
	Field  string // the member of the request that is wrong; may be empty
	Err    error
}

// Error implements error.
func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }

func (h handler) ports(w http.ResponseWriter, r *http.Request) {
	t, err := h.Router.Ports(r.Context())
	if err != nil {
		h.fail(w, err)
		return
	}
	h.reply(w, http.StatusOK, t.full())
}

func (h handler) closePort(w http.ResponseWriter, r *http.Request) {
	protocol := strings.ToUpper(r.PathValue("protocol"))
	port, err := strconv.ParseUint(r.PathValue("port"), 10, 16)
	if err != nil || protocol != "TCP" && protocol != "UDP" {
		Refuse(w, http.StatusNotFound, "there is no such port: tcp or udp and a number from 0 to 65535 are needed")
		return
	}
	if err := h.Router.ClosePort(r.Context(), protocol, uint16(port)); err != nil {
		h.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
