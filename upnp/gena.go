package upnp

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Eventing of the UPnP Device Architecture (2.0, section 4): a service that is
// subscribed to posts its changes to us, such as another address of the router or an
// entry less in its table. What it says is not even read: like an announcement it is a
// hint to ask.

const (
	subscribeFor = 30 * time.Minute // is asked for
	leastSubscribed,
	mostSubscribed = time.Minute, 24 * time.Hour // whatever the router says
	resubscribe     = 5 * time.Minute // after a failure
	unsubscribeTime = 500 * time.Millisecond
	eventTime       = 3 * time.Second // to send us one
	maxSID          = 256
)

var (
	errNoEvents = errors.New("the router tells no events")
	errOver     = errors.New("the router doesn't know the subscription any more")
)

// hearEvents calls heard for every event of the service until ctx ends. Requests are
// made in turn.
func hearEvents(ctx context.Context, gw Gateway, service *url.URL, turn turn, heard func()) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", netip.AddrPortFrom(gw.Self, 0).String())
	if err != nil {
		return fmt.Errorf("listening for the router's events: %w", err)
	}
	s := newSubscription(gw, service, l.Addr().(*net.TCPAddr).AddrPort(), heard)
	server := &http.Server{Handler: s, ReadTimeout: eventTime, WriteTimeout: eventTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)} // a router must not be able to fill ours
	server.SetKeepAlivesEnabled(false)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(&fromOnly{l, gw.Addr}) }) // ends with Close
	defer serving.Wait()
	defer server.Close()
	defer s.end(context.WithoutCancel(ctx))
	return s.keep(ctx, turn)
}

// fromOnly accepts connections of one host only.
type fromOnly struct {
	net.Listener
	host netip.Addr
}

func (l *fromOnly) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if a, ok := c.RemoteAddr().(*net.TCPAddr); ok && a.AddrPort().Addr().Unmap() == l.host {
			return c, nil
		}
		c.Close()
	}
}

// subscription is one to a service of the gateway's.
type subscription struct {
	service  *url.URL
	callback string
	path     string // nobody can guess it who doesn't listen
	client   http.Client
	heard    func()
	sid      atomic.Pointer[string] // nil: there is none
}

func newSubscription(gw Gateway, service *url.URL, at netip.AddrPort, heard func()) *subscription {
	var secret [16]byte
	rand.Read(secret[:]) // it never fails
	path := "/" + hex.EncodeToString(secret[:])
	return &subscription{service: service, path: path, callback: "<http://" + at.String() + path + ">", client: client(pinnedTransport(gw)), heard: heard}
}

// keep subscribes, and renews that at half its time, until ctx ends. It gives up where
// the router offers no events.
func (s *subscription) keep(ctx context.Context, turn turn) error {
	for first := true; ; first = false {
		if !turn.takeUntil(ctx) {
			return nil
		}
		lasts, err := s.subscribe(ctx)
		turn.give()
		wait := lasts / 2
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errOver):
			wait = 0 // the next one is a new one
		case err != nil && first:
			return err
		case err != nil:
			wait = resubscribe
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
	}
}

// subscribe asks for a subscription or renews the one there is (section 4.1), and
// returns how long it lasts.
func (s *subscription) subscribe(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	header := http.Header{"TIMEOUT": {"Second-" + strconv.Itoa(int(subscribeFor/time.Second))}}
	sid := s.sid.Load()
	if sid != nil {
		header["SID"] = []string{*sid}
	} else {
		header["CALLBACK"], header["NT"] = []string{s.callback}, []string{"upnp:event"}
	}
	resp, err := s.ask(ctx, "SUBSCRIBE", header)
	switch {
	case err != nil:
		return 0, fmt.Errorf("subscribing to the router's events: %w", err)
	case resp.StatusCode != http.StatusOK && sid != nil:
		s.sid.Store(nil)
		return 0, errOver
	case resp.StatusCode != http.StatusOK:
		return 0, fmt.Errorf("%w: HTTP status %d", errNoEvents, resp.StatusCode)
	}
	if sid == nil {
		told := resp.Header.Get("SID")
		if told == "" || len(told) > maxSID || clean(told) != told {
			return 0, fmt.Errorf("%w: it gave no name to the subscription", errNoEvents)
		}
		s.sid.Store(&told)
	}
	return subscribed(resp.Header.Get("TIMEOUT")), nil
}

// subscribed reads for how long: "Second-1800", or "infinite" of older routers.
func subscribed(timeout string) time.Duration {
	n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToLower(timeout), "second-"), 10, 31)
	if err != nil {
		return subscribeFor
	}
	return min(max(time.Duration(n)*time.Second, leastSubscribed), mostSubscribed)
}

func (s *subscription) ask(ctx context.Context, method string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.service.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header = header
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	return resp, resp.Body.Close()
}

// end gives the subscription up (section 4.1.4). A router that is gone, or busy, ends
// it by itself.
func (s *subscription) end(ctx context.Context) {
	sid := s.sid.Load()
	if sid == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, unsubscribeTime)
	defer cancel()
	_, _ = s.ask(ctx, "UNSUBSCRIBE", http.Header{"SID": {*sid}})
}

// ServeHTTP takes an event (section 4.3.2). The first one tells how things are already,
// and may come before the answer to the subscription.
func (s *subscription) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if subtle.ConstantTimeCompare([]byte(r.URL.Path), []byte(s.path)) != 1 {
		http.NotFound(w, r)
		return
	}
	sid := s.sid.Load()
	switch {
	case r.Method != "NOTIFY":
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	case r.Header.Get("NT") != "upnp:event" || r.Header.Get("NTS") != "upnp:propchange" || sid != nil && r.Header.Get("SID") != *sid:
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if r.Header.Get("SEQ") != "0" {
		s.heard()
	}
}
