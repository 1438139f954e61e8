package phonetest

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// came is a device that is connected and does something.
func came(change func(*Session, *Inner)) Evidence {
	e := Evidence{Up: true, Elapsed: time.Minute, Door: DoorMapped, Session: &Session{Age: 20 * time.Second}, Inner: Inner{From: 9, To: 7}}
	if change != nil {
		change(e.Session, &e.Inner)
	}
	return e
}

// called is a device that is not connected.
func called(calls ...Call) Evidence {
	return Evidence{Up: true, Elapsed: 5 * time.Second, Door: DoorMapped, Calls: calls}
}

func late(e Evidence) Evidence {
	e.Elapsed = Patience
	return e
}

var table = []struct {
	name    string
	e       Evidence
	state   State
	stopped Stage
	cause   Cause
}{
	{"the tunnel is down", Evidence{}, Failed, Reach, NotRunning},
	{"nothing yet", called(), Waiting, "", NoCause},
	{"nothing for long", late(called()), Failed, Reach, NothingCame},
	{"nothing for long, and the port is shut", Evidence{Up: true, Elapsed: time.Hour, Door: DoorShut}, Failed, Reach, PortShut},
	{"nothing for long, and nobody knows of the port", Evidence{Up: true, Elapsed: time.Hour}, Failed, Reach, NothingCame},
	{"other things came in", Evidence{Up: true, Elapsed: time.Hour, Door: DoorShut, Strangers: 1}, Failed, Reach, OthersCame},
	{"other things came in just now", Evidence{Up: true, Strangers: 1}, Waiting, "", NoCause},
	{"another device came in", late(called(Call{Who: Another, Name: "Bert", Tries: 1, Answers: 1})), Failed, Reach, AnotherCame},
	{"another device came in at home", late(called(Call{Who: Another, Name: "Bert", Inside: true, Tries: 1, Answers: 1})), Failed, Reach, NothingCame},
	{"another device is answered again and again", called(Call{Who: Another, Tries: 9, Answers: 9}), Waiting, "", NoCause},

	{"connected from the house", came(func(s *Session, _ *Inner) { s.Inside = true }), Failed, Outside, FromInside},
	{"it calls from the house", called(Call{Who: This, Inside: true, Tries: 1, Answers: 1}), Failed, Outside, FromInside},
	{"meant for another server", Evidence{Up: true, Knocks: []Knock{{}}}, Failed, Key, WrongServer},
	{"meant for another server, from the house", Evidence{Up: true, Knocks: []Knock{{Inside: true}}}, Failed, Key, WrongServer},
	{"meant for another server at first", Evidence{Up: true, Knocks: []Knock{{}}, Calls: []Call{{Who: This, Tries: 1, Answers: 1}}}, Waiting, "", NoCause},

	{"switched off", Evidence{Up: true, Admission: Disabled}, Failed, Known, SwitchedOff},
	{"its time is over", Evidence{Up: true, Admission: Expired}, Failed, Known, TimeOver},
	{"nobody used it", Evidence{Up: true, Admission: Idled}, Failed, Known, IdleTooLong},
	{"the tunnel has not taken it", Evidence{Up: true, Admission: Pending}, Failed, Known, NotTaken},
	{"a replaced code", called(Call{Who: Replaced, Tries: 1}), Failed, Known, CodeReplaced},
	{"the old code while a new one waits", came(func(s *Session, _ *Inner) { s.OldCode = true }), Failed, Known, CodeReplaced},
	{"a removed device's code", called(Call{Who: Removed, Name: "Anna", Tries: 1}), Failed, Known, CodeRemoved},
	{"a removed device's code at home", called(Call{Who: Removed, Name: "Anna", Inside: true, Tries: 1}), Failed, Known, CodeRemoved},
	{"nobody's code", called(Call{Tries: 1}), Failed, Known, CodeUnknown},
	{"nobody's code, after another device's", called(Call{Who: Another, Tries: 1, Answers: 1}, Call{Tries: 1}), Failed, Known, CodeUnknown},
	{"a removed device's code, and then its own", called(Call{Who: Removed, Tries: 5}, Call{Who: This, Tries: 1, Answers: 1}), Waiting, "", NoCause},

	{"answered once", called(Call{Who: This, Tries: 1, Answers: 1}), Waiting, "", NoCause},
	{"answered again", called(Call{Who: This, Tries: 2, Answers: 2}), Failed, Answer, AnswerLost},
	{"not answered once", called(Call{Who: This, Tries: 1}), Waiting, "", NoCause},
	{"never answered", called(Call{Who: This, Tries: 3}), Failed, Answer, NotAnswered},

	{"connected just now", came(func(s *Session, i *Inner) { s.Age, *i = time.Second, Inner{} }), Waiting, "", NoCause},
	{"connected with addresses of before", came(func(s *Session, i *Inner) { s.Moved, s.Age, *i = true, 0, Inner{} }), Failed, Data, CodeMoved},
	{"connected with addresses of before, of one family", came(func(s *Session, _ *Inner) { s.Moved = true }), Passed, "", NoCause},
	{"connected with addresses of before, while a new code waits", came(func(s *Session, i *Inner) { s.Moved, s.OldCode, *i = true, true, Inner{} }), Failed, Known, CodeReplaced},
	{"connected and silent", came(func(_ *Session, i *Inner) { *i = Inner{} }), Failed, Data, NothingSent},
	{"it asks and nothing answers", came(func(_ *Session, i *Inner) { *i = Inner{From: 3} }), Failed, Data, NoReplies},
	{"it has just asked", came(func(s *Session, i *Inner) { s.Age, *i = time.Second, Inner{From: 3} }), Waiting, "", NoCause},
	{"it may not reach what it asks for", came(func(_ *Session, i *Inner) { *i = Inner{Dropped: 3, Reason: "not granted"} }), Failed, Data, NotGranted},
	{"it may reach some of what it asks for", came(func(_ *Session, i *Inner) { i.Dropped = 3 }), Passed, "", NoCause},
	{"no resolver answers", came(func(_ *Session, i *Inner) { i.Failed = 1 }), Failed, Names, NamesFail},
	{"no resolver answered at first", came(func(_ *Session, i *Inner) { i.Failed, i.Answered = 1, 1 }), Passed, "", NoCause},
	{"the resolver does not want to", came(func(_ *Session, i *Inner) { i.Refused = 2 }), Failed, Names, NamesRefused},
	{"the resolver does not want to tell of one name", came(func(_ *Session, i *Inner) { i.Refused, i.Answered = 2, 1 }), Passed, "", NoCause},
	{"large packets get lost", came(func(_ *Session, i *Inner) { i.LargeRepeated = 3 }), Failed, Large, OnlySmall},
	{"one large packet got lost", came(func(_ *Session, i *Inner) { i.LargeRepeated = 2 }), Waiting, "", NoCause},
	{"large packets got lost and pass", came(func(_ *Session, i *Inner) { i.LargeRepeated, i.LargePassed = 9, 1 }), Passed, "", NoCause},
	{"all is good", came(nil), Passed, "", NoCause},
	{"all is good, and somebody else knocks", func() Evidence { e := came(nil); e.Calls, e.Knocks = []Call{{Who: Removed}}, []Knock{{}}; return e }(), Passed, "", NoCause},
}

func TestTheRightStageIsNamed(t *testing.T) {
	named := map[Cause]bool{NoCause: true}
	for _, c := range table {
		t.Run(c.name, func(t *testing.T) {
			v := Diagnose(c.e)
			if v.State != c.state || v.Stopped != c.stopped || v.Cause != c.cause {
				t.Errorf("got %s at %q: %q, want %s at %q: %q", v.State, v.Stopped, v.Cause, c.state, c.stopped, c.cause)
			}
			named[c.cause] = true
		})
	}
	for _, c := range Causes() {
		if !named[c] {
			t.Errorf("no case has the cause %q", c)
		}
	}
}

func TestTheVerdictNamesWhomItIsAbout(t *testing.T) {
	if v := Diagnose(called(Call{Who: Removed, Name: "Anna"})); v.Name != "Anna" {
		t.Errorf("a removed device: %+v", v)
	}
	if v := Diagnose(late(called(Call{Who: Another, Name: "Bert"}))); v.Name != "Bert" {
		t.Errorf("another device: %+v", v)
	}
	if v := Diagnose(came(func(_ *Session, i *Inner) { *i = Inner{Dropped: 1, Reason: "not granted"} })); v.Reason != "not granted" {
		t.Errorf("dropped packets: %+v", v)
	}
	shut := Evidence{Up: true, Elapsed: time.Hour, Door: DoorShut, DoorAdvice: "Switch UPnP on."}
	if v := Diagnose(shut); v.Advice != shut.DoorAdvice {
		t.Errorf("a shut port: %+v", v)
	}
}

func TestStagesLightUpOneByOne(t *testing.T) {
	for _, c := range []struct {
		name string
		e    Evidence
		want []Stage // that are lit
	}{
		{"nothing", called(), nil},
		{"another server's", Evidence{Up: true, Knocks: []Knock{{}}}, []Stage{Reach, Outside}},
		{"another server's, at home", Evidence{Up: true, Knocks: []Knock{{Inside: true}}}, []Stage{Reach}},
		{"another device's", late(called(Call{Who: Another})), nil},
		{"a removed one's", called(Call{Who: Removed}), []Stage{Reach, Outside, Key}},
		{"its own", called(Call{Who: This}), []Stage{Reach, Outside, Key, Known}},
		{"connected", came(func(_ *Session, i *Inner) { *i = Inner{} }), []Stage{Reach, Outside, Key, Known, Answer}},
		{"data", came(nil), []Stage{Reach, Outside, Key, Known, Answer, Data}},
		{"names", came(func(_ *Session, i *Inner) { i.Answered = 1 }), []Stage{Reach, Outside, Key, Known, Answer, Data, Names}},
		{"everything", came(func(_ *Session, i *Inner) { i.Answered, i.LargePassed = 1, 1 }), Stages()},
		{"from the house", came(func(s *Session, _ *Inner) { s.Inside = true }), []Stage{Reach, Key, Known, Answer, Data}},
	} {
		var lit []Stage
		for _, s := range Diagnose(c.e).Steps {
			if s.State == Passed {
				lit = append(lit, s.Stage)
			}
		}
		if !slices.Equal(lit, c.want) {
			t.Errorf("%s: lit are %v, want %v", c.name, lit, c.want)
		}
	}
}

// anything is some evidence, likely or not.
func anything(r *rand.Rand) Evidence {
	some := func(n int) uint64 { return uint64(max(0, r.IntN(2*n)-n)) }
	e := Evidence{
		Elapsed: time.Duration(r.IntN(40)) * time.Second, Up: r.IntN(9) > 0, Door: Door(r.IntN(3)), Strangers: int(some(3)),
		Inner: Inner{From: some(4), To: some(4), Dropped: some(4), Answered: some(3), Refused: some(3), Failed: some(3), LargePassed: some(3), LargeRepeated: some(6)},
	}
	if r.IntN(5) == 0 {
		e.Admission = Admission(r.IntN(5))
	}
	for range r.IntN(4) {
		e.Calls = append(e.Calls, Call{Who: Who(r.IntN(5)), Inside: r.IntN(3) == 0, Tries: 1 + some(4), Answers: some(4)})
	}
	for range some(3) {
		e.Knocks = append(e.Knocks, Knock{r.IntN(2) == 0})
	}
	if r.IntN(2) == 0 {
		e.Session = &Session{Age: time.Duration(r.IntN(20)) * time.Second, Inside: r.IntN(5) == 0, OldCode: r.IntN(5) == 0, Moved: r.IntN(5) == 0}
	}
	return e
}

// Whatever was observed, the verdict holds together.
func TestEveryVerdictHoldsTogether(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	seen := map[Cause]int{}
	for range 200_000 {
		e := anything(r)
		v := Diagnose(e)
		seen[v.Cause]++
		failed, states := 0, map[Stage]State{}
		for _, s := range v.Steps {
			states[s.Stage] = s.State
			if s.State == Failed {
				failed++
			}
		}
		problem := ""
		switch {
		case len(v.Steps) != len(Stages()):
			problem = "a stage is missing"
		case (v.State == Failed) != (v.Cause != NoCause), (v.State == Failed) != (v.Stopped != ""), (failed == 1) != (v.State == Failed):
			problem = "failed or not?"
		case v.State == Failed && states[v.Stopped] != Failed:
			problem = "it stops at another stage than the one that failed"
		case v.State == Passed && (states[Outside] != Passed || states[Answer] != Passed || states[Data] != Passed):
			problem = "good without having been seen outside, answered and with data"
		case v.State == Passed && e.Session.Inside:
			problem = "good from inside of the house"
		case e.Session == nil && (states[Answer] == Passed || states[Data] == Passed || states[Names] == Passed || states[Large] == Passed):
			problem = "lit without a session"
		case e.Elapsed < Patience && (v.Cause == NothingCame || v.Cause == PortShut || v.Cause == OthersCame || v.Cause == AnotherCame):
			problem = "too early for silence"
		}
		if problem != "" {
			t.Fatalf("%s: %+v of %+v", problem, v, e)
		}
		// What other devices of the house do changes nothing about one that came.
		if e.Session != nil {
			more := e
			more.Calls = append(slices.Clone(e.Calls), Call{Who: Another, Tries: 9})
			if w := Diagnose(more); w.Cause != v.Cause || w.State != v.State {
				t.Fatalf("another device changes %+v to %+v", v, w)
			}
		}
		// Time alone heals nothing and breaks nothing but silence.
		if v.Cause != NoCause {
			more := e
			more.Elapsed += time.Hour
			if w := Diagnose(more); w.Cause != v.Cause {
				t.Fatalf("an hour later %q is %q: %+v", v.Cause, w.Cause, e)
			}
		}
	}
	for _, c := range Causes() {
		if seen[c] < 20 {
			t.Errorf("the cause %q came up %d times: the test says little of it", c, seen[c])
		}
	}
}
