package upnp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
)

// answer says what a call came to.
func (t *trace) answer(err error) answer {
	switch {
	case err == nil:
		return answer{}
	case t.fault != nil:
		return faultAnswer(*t.fault)
	case t.status == http.StatusNotFound || t.status == http.StatusMethodNotAllowed:
		return answer{outcome: moved, problem: fmt.Sprintf("HTTP status %d", t.status)}
	case t.status == http.StatusUnauthorized:
		return answer{outcome: unsupported, problem: fmt.Sprintf("HTTP status %d", t.status)}
	case t.err != nil && t.status == 0:
		return answer{outcome: connectOutcome(t.err), problem: clean(t.err.Error())}
	case t.err != nil && isTimeout(t.err):
		return answer{outcome: silent, problem: clean(t.err.Error())}
	case t.status != 0 && t.status != http.StatusOK:
		return answer{outcome: broken, problem: fmt.Sprintf("HTTP status %d", t.status)}
	case t.err != nil:
		return answer{outcome: broken, problem: clean(t.err.Error())}
	}
	return answer{outcome: broken, problem: clean(err.Error())}
}

func connectOutcome(err error) outcome {
	switch {
	case isTimeout(err), errors.Is(err, context.Canceled):
		return silent
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH),
		errors.Is(err, syscall.EADDRNOTAVAIL):
		return moved
	}
	return broken
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &ne) && ne.Timeout()
}

// faultOutcomes are UPnP's error codes (UDA 1.1 section 3.2.2, WANIPConnection:2
// section 2.5), and what they mean in practice.
const codeConflict = 718 // ConflictInMappingEntry

var faultOutcomes = map[int]outcome{
	401: unsupported, 404: unsupported, 602: unsupported,
	402: badArgument, 600: badArgument, 601: badArgument,
	403: notAllowed, 606: notAllowed, // 403: FRITZ!Box, "Not available Action"
	501: failed,
	713: notThere, 714: notThere, 730: notThere, // 730: an empty list
	715: badShape, 716: badShape, 726: badShape, 727: badShape, 732: badShape,
	718: conflict, 729: conflict,
	724: samePort,
	725: badLease,
	701: tableFull, 728: tableFull,
	// WANIPv6FirewallControl:1 section 2.5.
	702: notNeeded, 703: notAllowed, 704: notThere,
	705: badShape, 706: badShape, 707: badShape, 708: badShape,
}

func faultAnswer(f fault) answer {
	o, ok := faultOutcomes[f.code]
	if !ok {
		o = broken
	}
	a := answer{outcome: o, code: f.code, problem: fmt.Sprintf("UPnP error %d", f.code)}
	if f.text != "" {
		a.problem += " (" + f.text + ")"
	}
	return a
}
