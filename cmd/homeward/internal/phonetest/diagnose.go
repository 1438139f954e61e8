package phonetest

import "time"

const (
	// Patience is how long nothing may come until that is said: a person has to
	// take the phone, switch Wi-Fi off and find the tunnel's switch.
	Patience = 15 * time.Second
	// quiet is how long a device may be connected without data until that is said.
	quiet = 8 * time.Second
	// Losses tell from loss by chance.
	lostAnswers  = 2 // initiations, all answered
	lostSegments = 3 // repetitions of one large packet
	unanswered   = 3 // initiations of a device that we know
)

// Diagnose says how far the phone came and what stops it.
func Diagnose(e Evidence) Verdict {
	v := e.judge()
	v.State = Failed
	switch {
	case v.Cause != NoCause:
	case e.Session != nil && e.flows() && !e.doubtful():
		v.State = Passed
	default:
		v.State = Waiting
	}
	v.Steps = e.steps(v)
	return v
}

// judge finds what stops the phone, if anything does: the furthest that it came
// counts.
func (e Evidence) judge() Verdict {
	if !e.Up {
		return stop(Reach, NotRunning)
	}
	if c, out := notAdmitted[e.Admission]; out {
		return stop(Known, c)
	}
	if e.Session != nil {
		return e.judgeSession()
	}
	if c, ok := e.first(This); ok {
		return c.judge()
	}
	if _, ok := e.first(Replaced); ok {
		return stop(Known, CodeReplaced)
	}
	for _, c := range e.Calls {
		switch c.Who {
		case Removed:
			v := stop(Known, CodeRemoved)
			v.Name = c.Name
			return v
		case Nobody:
			return stop(Known, CodeUnknown)
		}
	}
	if len(e.Knocks) > 0 {
		return stop(Key, WrongServer)
	}
	if e.Elapsed < Patience {
		return Verdict{}
	}
	return e.judgeSilence()
}

var notAdmitted = map[Admission]Cause{Disabled: SwitchedOff, Expired: TimeOver, Idled: IdleTooLong, Pending: NotTaken}

// judgeSession is about a device that is connected.
func (e Evidence) judgeSession() Verdict {
	in := e.Inner
	switch {
	case e.Session.Inside:
		return stop(Outside, FromInside)
	case e.Session.OldCode:
		return stop(Known, CodeReplaced)
	case e.Session.Moved && !e.flows(): // WireGuard takes no packet from the old address
		return stop(Data, CodeMoved)
	case in.Failed > 0 && in.Answered == 0:
		return stop(Names, NamesFail)
	case in.Refused > 0 && in.Answered == 0:
		return stop(Names, NamesRefused)
	case in.LargeRepeated >= lostSegments && in.LargePassed == 0:
		return stop(Large, OnlySmall)
	case e.flows():
		return Verdict{}
	case in.Dropped > 0 && in.To == 0:
		v := stop(Data, NotGranted)
		v.Reason = in.Reason
		return v
	case e.Session.Age < quiet:
		return Verdict{}
	case in.From == 0:
		return stop(Data, NothingSent)
	}
	return stop(Data, NoReplies)
}

// judge is about a device that calls and is not connected.
func (c Call) judge() Verdict {
	switch {
	case c.Inside:
		return stop(Outside, FromInside)
	case c.Answers >= lostAnswers && c.Tries >= lostAnswers:
		return stop(Answer, AnswerLost)
	case c.Answers == 0 && c.Tries >= unanswered:
		return stop(Answer, NotAnswered)
	}
	return Verdict{}
}

// judgeSilence is about a device of which nothing came.
func (e Evidence) judgeSilence() Verdict {
	for _, c := range e.Calls {
		if c.Who == Another && !c.Inside {
			v := stop(Reach, AnotherCame)
			v.Name = c.Name
			return v
		}
	}
	v := stop(Reach, NothingCame)
	switch {
	case e.Strangers > 0:
		v.Cause = OthersCame
	case e.Door == DoorShut:
		v.Cause = PortShut
	}
	v.Advice = e.DoorAdvice
	return v
}

// flows says whether data goes both ways.
func (e Evidence) flows() bool { return e.Inner.From > 0 && e.Inner.To > 0 }

// doubtful says whether it may yet turn out that large packets get lost.
func (e Evidence) doubtful() bool { return e.Inner.LargeRepeated > 0 && e.Inner.LargePassed == 0 }

// first is the latest call of somebody.
func (e Evidence) first(who Who) (Call, bool) {
	for _, c := range e.Calls {
		if c.Who == who {
			return c, true
		}
	}
	return Call{}, false
}

// own are the calls that count as the phone's: other devices have their own
// reasons.
func (e Evidence) own() (any, outside bool) {
	for _, c := range e.Calls {
		if c.Who != Another {
			any, outside = true, outside || !c.Inside
		}
	}
	return any, outside
}

// steps says of each stage whether it was seen to be passed, or stops it.
func (e Evidence) steps(v Verdict) []Step {
	called, calledOutside := e.own()
	_, this := e.first(This)
	connected := e.Session != nil
	knockedOutside := false
	for _, k := range e.Knocks {
		knockedOutside = knockedOutside || !k.Inside
	}
	outside := calledOutside || knockedOutside
	if connected {
		outside = !e.Session.Inside
	}
	seen := map[Stage]bool{
		Reach:   connected || called || len(e.Knocks) > 0,
		Outside: outside,
		Key:     connected || called,
		Known:   connected || this,
		Answer:  connected,
		Data:    connected && e.flows(),
		Names:   connected && e.Inner.Answered > 0,
		Large:   connected && e.Inner.LargePassed > 0,
	}
	var steps []Step
	for _, s := range Stages() {
		state := Waiting
		switch {
		case v.Cause != NoCause && s == v.Stopped:
			state = Failed
		case seen[s]:
			state = Passed
		}
		steps = append(steps, Step{s, state})
	}
	return steps
}

func stop(s Stage, c Cause) Verdict { return Verdict{Stopped: s, Cause: c} }
