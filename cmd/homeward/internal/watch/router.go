package watch

import (
	"time"

	"homeward/peers/history"
	"homeward/upnp"
)

// routerNews is what changed at the router. What is not known yet is no change,
// nor is a mapper that stops.
func (w *Watcher) routerNews(time.Time) (news []history.Event) {
	is, was := w.cfg.Router(), w.router
	if is.Verdict == upnp.Starting || is.Verdict == upnp.Disabled {
		return nil
	}
	w.router = is
	open := func(v upnp.Verdict) bool { return v == upnp.Mapped || v == upnp.IPv6Only }
	switch {
	case open(is.Verdict) && (!open(was.Verdict) || was.Port != is.Port):
		news = append(news, history.Event{Kind: history.PortOpen, Detail: callAt(is)})
	case open(is.Verdict) && renewed(was.Mapping, is.Mapping):
		news = append(news, history.Event{Kind: history.PortRenewed})
	case is.Verdict == upnp.Conflict && was.Verdict != upnp.Conflict:
		news = append(news, history.Event{Kind: history.PortConflict})
	case is.Verdict == upnp.ByHand: // the owner said so himself
	case !open(is.Verdict) && is.Verdict != was.Verdict:
		news = append(news, history.Event{Kind: history.PortLost, Cause: is.Verdict.String()})
	}
	if is.External.IsValid() && is.External != w.address {
		w.address = is.External
		news = append(news, history.Event{Kind: history.AddressChanged, Detail: is.External.String()})
	}
	return news
}

// callAt is where devices outside find the open port, if that is known.
func callAt(s upnp.Status) string {
	switch {
	case s.Verdict == upnp.IPv6Only && s.IPv6.Address.IsValid():
		return s.IPv6.Address.String()
	case s.Mapping != nil && s.Mapping.External.Addr().IsValid():
		return s.Mapping.External.String()
	}
	return ""
}

// renewed reports whether the same mapping was prolonged.
func renewed(was, is *upnp.Mapping) bool {
	return was != nil && is != nil && !was.RenewAfter.IsZero() && is.RenewAfter.After(was.RenewAfter)
}
