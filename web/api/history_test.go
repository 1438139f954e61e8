package api

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"homeward/peers"
	"homeward/peers/history"
)

func TestWhatHappenedIsReadInPages(t *testing.T) {
	w := newWorld(t, &peers.Endpoint{Host: "home.example.org", Port: 51820})
	began := time.Now().Unix() - 10
	for i := range 5 {
		w.events.Publish(history.Event{At: time.Unix(began+int64(i), 0), Kind: history.AdminAction, Cause: "changed", Peer: peers.ID(1 + i%2), Name: "anna", Place: "203.0.113.0/24"})
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if list, _ := w.diary.Events(history.Filter{}); len(list) == 6 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the events were not written down")
		}
	}
	q := url.Values{"limit": {"2"}, "peer": {"1"}, "kind": {"admin", "started"}}
	first, err := w.client.Events(t.Context(), q)
	if err != nil || len(first.Events) != 2 || first.Before == 0 || first.Events[0].Peer != 1 || first.Events[0].Count != 1 || first.Events[0].Name != "anna" || first.Events[0].At.Unix() != began+4 {
		t.Fatalf("%+v, %v", first, err)
	}
	q.Set("before", "3") // the one of the started program is 1
	rest, err := w.client.Events(t.Context(), q)
	if err != nil || len(rest.Events) != 1 || rest.Before != 0 {
		t.Errorf("%+v, %v", rest, err)
	}
	since, err := w.client.Events(t.Context(), url.Values{"kind": {"admin"}, "since": {time.Unix(began+3, 0).Format(time.RFC3339)}})
	if err != nil || len(since.Events) != 2 {
		t.Errorf("%+v, %v", since, err)
	}
	for field, value := range map[string]string{"peer": "x", "before": "-1", "limit": "0", "kind": "party", "house": "yes", "since": "yesterday"} {
		_, err := w.client.Events(t.Context(), url.Values{field: {value}})
		var p *Problem
		if !errors.As(err, &p) || p.Status != 400 || p.Field != field {
			t.Errorf("%s=%s: %v", field, value, err)
		}
	}
}

func TestADevicesTrafficIsRead(t *testing.T) {
	w := newWorld(t, &peers.Endpoint{Host: "home.example.org", Port: 51820})
	issued, err := w.client.AddPeer(t.Context(), NewPeer{Name: "anna"})
	if err != nil {
		t.Fatal(err)
	}
	for span, bars := range map[history.Span]int{"": 24, history.SpanHour: 12, history.SpanDay: 24, history.SpanMonth: 30} {
		got, err := w.client.Traffic(t.Context(), issued.Peer.ID, span)
		if err != nil || len(got.Bars) != bars {
			t.Errorf("%q: %d bars, %v", span, len(got.Bars), err)
		}
	}
	var p *Problem
	if _, err := w.client.Traffic(t.Context(), issued.Peer.ID, "century"); !errors.As(err, &p) || p.Status != 400 || p.Field != "span" {
		t.Errorf("another span: %v", err)
	}
	if _, err := w.client.Traffic(t.Context(), 99, "day"); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("another device: %v", err)
	}
	if _, err := w.client.Sessions(t.Context(), 99); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("another device: %v", err)
	}
	if list, err := w.client.Sessions(t.Context(), issued.Peer.ID); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}
