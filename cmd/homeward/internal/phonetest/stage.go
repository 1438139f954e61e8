package phonetest

// Stage is a step on a phone's way in.
type Stage string

// The stages, in their order.
const (
	Reach   Stage = "reach"   // something of it reaches the port
	Outside Stage = "outside" // from outside of the house
	Key     Stage = "key"     // meant for this server
	Known   Stage = "known"   // by a device that may come in
	Answer  Stage = "answer"  // which gets our answer
	Data    Stage = "data"    // and sends and gets data
	Names   Stage = "names"   // names are answered
	Large   Stage = "large"   // large packets pass, too
)

// Stages lists all of them in their order.
func Stages() []Stage { return []Stage{Reach, Outside, Key, Known, Answer, Data, Names, Large} }

// State says how far a stage, or the whole test, is.
type State string

// The states.
const (
	Waiting State = "waiting" // not observed yet
	Passed  State = "passed"
	Failed  State = "failed"
)

// Step is a stage and its state.
type Step struct {
	Stage Stage
	State State
}

// Cause says why it goes no further.
type Cause string

// The causes.
const (
	NoCause Cause = ""
	// Of Reach.
	NotRunning   Cause = "not_running"   // the tunnel is not up
	PortShut     Cause = "port_shut"     // nothing came, and the router's port is not open
	NothingCame  Cause = "nothing_came"  // although the router says that it is open
	OthersCame   Cause = "others_came"   // nothing of the device, but other things: the port is open
	AnotherCame  Cause = "another_came"  // only another device of the house
	FromInside   Cause = "from_inside"   // of Outside
	WrongServer  Cause = "wrong_server"  // of Key
	SwitchedOff  Cause = "switched_off"  // of Known, as the next ones
	TimeOver     Cause = "time_over"     //
	IdleTooLong  Cause = "idle_too_long" //
	NotTaken     Cause = "not_taken"     // the tunnel has not taken it yet
	CodeReplaced Cause = "code_replaced" // it has a code of before
	CodeRemoved  Cause = "code_removed"  // of a device that was removed
	CodeUnknown  Cause = "code_unknown"  // of nobody that is known
	NotAnswered  Cause = "not_answered"  // of Answer: we know it and don't answer
	AnswerLost   Cause = "answer_lost"   // we do, and it asks again
	CodeMoved    Cause = "code_moved"    // of Data: by a code with the addresses of before
	NothingSent  Cause = "nothing_sent"  //
	NotGranted   Cause = "not_granted"   //
	NoReplies    Cause = "no_replies"    //
	NamesFail    Cause = "names_fail"    // of Names: no resolver answers
	NamesRefused Cause = "names_refused" // the resolver at home won't say
	OnlySmall    Cause = "only_small"    // of Large
)

// Causes lists all causes.
func Causes() []Cause {
	return []Cause{
		NotRunning, PortShut, NothingCame, OthersCame, AnotherCame, FromInside, WrongServer, SwitchedOff, TimeOver, IdleTooLong, NotTaken,
		CodeReplaced, CodeRemoved, CodeUnknown, NotAnswered, AnswerLost, CodeMoved, NothingSent, NotGranted, NoReplies, NamesFail, NamesRefused, OnlySmall,
	}
}

// Verdict is how far a phone came.
type Verdict struct {
	State   State // Passed: all is good
	Stopped Stage // where it goes no further; empty unless Failed
	Cause   Cause
	Steps   []Step // all stages
	Name    string // of the device that Cause is about, if it is another one
	Reason  string // why packets were dropped
	Advice  string // about the router
}
