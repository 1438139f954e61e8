package web

import (
	"cmp"
	"strings"

	"homeward/peers/history"
	"homeward/web/languages"
)

// EventText says an event in a sentence without its full stop, about the device
// of which it has the name.
func EventText(l *languages.Language, e history.Event) string {
	place := cmp.Or(e.Place, l.T("log.many_places"))
	pairs := []any{"Detail", e.Detail, "Place", place}
	text, ok := l.Find("log.event", string(e.Kind)+"-"+e.Cause, pairs...)
	if !ok { // a cause that nothing more is said about
		text = l.Code("log.event", string(e.Kind), pairs...)
	}
	if e.Count > 1 {
		text += " (" + l.T("log.times", "Count", e.Count, "Clock", l.Clock(e.Last)) + ")"
	}
	if e.Actor != "" {
		return text + " · " + actorText(l, e.Actor)
	}
	return text
}

// actorText is who did something, as account.Caller names them, in words.
func actorText(l *languages.Language, actor string) string {
	if user, token, ok := strings.Cut(actor, "/"); ok {
		return l.T("log.by_token", "User", user, "Token", token)
	}
	if by, ok := l.Find("log.actor", actor); ok {
		return by
	}
	return actor
}

// SessionText says when and from where a device was here.
func SessionText(l *languages.Language, s history.Session) string {
	if s.Home {
		return l.T("log.here_home", "Until", l.Clock(s.Last))
	}
	return l.T("log.here_outside", "Until", l.Clock(s.Last), "Place", s.Place)
}
