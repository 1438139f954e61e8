package api

import (
	"fmt"
	"net/http"
	"time"

	"homeward/peers"
)

// Tester follows devices on their way in.
type Tester interface {
	// BeginTest begins a device's test, anew if there is one.
	BeginTest(peers.Peer)
	// Test says how far a device has come. It begins a test if there is none, or
	// if the device was given another code since.
	Test(peers.Peer) PeerTest
}

// TestState says how far a stage, or a whole test, is.
type TestState string

// The states.
const (
	TestWaiting TestState = "waiting" // not observed yet
	TestPassed  TestState = "passed"
	TestFailed  TestState = "failed"
)

// PeerTest says how far a device has come on its way in since its test began.
type PeerTest struct {
	Began   time.Time  `json:"began"`
	State   TestState  `json:"state"`
	Stopped string     `json:"stopped,omitempty"` // the stage where it goes no further
	Cause   string     `json:"cause,omitempty"`   // why, as a word for programs
	Steps   []TestStep `json:"steps"`             // all stages in their order
	Text    string     `json:"text"`              // all of that in a sentence or two
	Cure    string     `json:"cure,omitempty"`    // what to do

	// Name is that of another device that the cause is about, Reason why packets
	// were dropped, Router what to do about the router. They are in Text and Cure.
	Name   string `json:"-"`
	Reason string `json:"-"`
	Router string `json:"-"`
}

// TestStep is one stage on a device's way in.
type TestStep struct {
	Stage string    `json:"stage"`
	State TestState `json:"state"`
	Text  string    `json:"text"`
}

// Waits says what a test that has not failed waits for: nothing (has come yet),
// knocks, connected or, when it is over, good.
func (t PeerTest) Waits() string {
	if t.State == TestPassed {
		return "good"
	}
	waits := "nothing"
	for _, s := range t.Steps {
		switch {
		case s.State != TestPassed:
		case s.Stage == "answer":
			return "connected"
		default:
			waits = "knocks"
		}
	}
	return waits
}

// Told is t with its texts in English.
func (t PeerTest) Told() PeerTest {
	for i := range t.Steps {
		t.Steps[i].Text = stageTexts[t.Steps[i].Stage]
	}
	switch t.State {
	case TestPassed, TestWaiting:
		t.Text, t.Cure = waitTexts[t.Waits()], ""
	default:
		c := causeTexts[t.Cause]
		t.Text, t.Cure = c.say, c.cure
		switch t.Cause {
		case "another_came", "code_removed":
			t.Text = fmt.Sprintf(c.say, t.Name)
		case "not_granted":
			t.Text = fmt.Sprintf(c.say, t.Reason)
		}
		if t.Router != "" {
			t.Cure += " " + t.Router
		}
	}
	return t
}

func (h handler) test(w http.ResponseWriter, r *http.Request, id peers.ID) {
	h.tested(w, id, func(peers.Peer) {})
}

func (h handler) beginTest(w http.ResponseWriter, r *http.Request, id peers.ID) {
	h.tested(w, id, h.Tests.BeginTest)
}

func (h handler) tested(w http.ResponseWriter, id peers.ID, before func(peers.Peer)) {
	p, err := h.Peers.Get(id)
	if err != nil {
		h.fail(w, err)
		return
	}
	before(p)
	h.reply(w, http.StatusOK, h.Tests.Test(p).Told().full())
}
