package api

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAPeerIsChangedOnlyAsItWasSeen(t *testing.T) {
	w := newWorld(t, home(t))
	end := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	keepalive := 0
	issued, err := w.client.AddPeer(t.Context(), NewPeer{Name: "anna", Kind: "laptop", Note: "n", Keepalive: &keepalive, Expires: end.Format(time.RFC3339), IdleDays: 9})
	if err != nil || issued.Peer.Kind != "laptop" || issued.Peer.Keepalive != 0 || issued.Peer.IdleDays != 9 || !issued.Peer.Expires.Equal(end) || issued.Peer.Note != "n" {
		t.Fatalf("%+v, %v", issued.Peer, err)
	}
	patch := func(match, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), "PATCH", w.url+"/api/v1/peers/1", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if match != "" {
			req.Header.Set("If-Match", match)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("ETag")
	}
	for _, c := range []struct {
		name, match, body string
		status            int
		etag              string
	}{
		{"as seen", `"1"`, `{"note":"a"}`, 200, `"2"`},
		{"an old version", `"1"`, `{"note":"b"}`, 412, ""},
		{"no tag of ours", `"x"`, `{"note":"b"}`, 412, ""},
		{"without quotes", `2`, `{"note":"b"}`, 412, ""},
		{"a weak tag", `W/"2"`, `{"note":"b"}`, 412, ""},
		{"any", `*`, `{"note":"c","expires":""}`, 200, `"3"`},
		{"no condition", "", `{"name":"bert"}`, 200, `"4"`},
	} {
		if status, etag := patch(c.match, c.body); status != c.status || etag != c.etag {
			t.Errorf("%s: %d %s, want %d %s", c.name, status, etag, c.status, c.etag)
		}
	}
	resp, err := http.Get(w.url + "/api/v1/peers/1")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Header.Get("ETag") != `"4"` {
		t.Errorf("ETag %q", resp.Header.Get("ETag"))
	}
	p, err := w.client.EditPeer(t.Context(), 1, PeerChange{Access: ptr("internet")})
	if err != nil || p.Name != "bert" || p.Note != "c" || p.Expires != nil || len(p.Hints) != 1 || p.Hints[0].Key != "reaches_nothing" || p.Hints[0].Text == "" {
		t.Errorf("%+v, %v", p, err)
	}
}

func ptr[T any](v T) *T { return &v }

func TestARemovalCanBeUndone(t *testing.T) {
	w := newWorld(t, home(t))
	i, err := w.client.AddPeer(t.Context(), NewPeer{Name: "anna"})
	if err != nil {
		t.Fatal(err)
	}
	id := i.Peer.ID
	if p, err := w.client.RemovePeerLater(t.Context(), id, time.Minute); err != nil || p.Leaves == nil || time.Until(*p.Leaves) > time.Minute || time.Until(*p.Leaves) < 50*time.Second {
		t.Fatalf("%+v, %v", p, err)
	}
	if p, err := w.client.KeepPeer(t.Context(), id); err != nil || p.Leaves != nil {
		t.Errorf("%+v, %v", p, err)
	}
	for _, undo := range []time.Duration{0, -time.Second, 48 * time.Hour} {
		var problem *Problem
		if _, err := w.client.RemovePeerLater(t.Context(), id, undo); !errors.As(err, &problem) || problem.Status != http.StatusBadRequest {
			t.Errorf("%v: %v", undo, err)
		}
	}
	if err := w.client.RemovePeer(t.Context(), id); err != nil {
		t.Error(err)
	}
	var problem *Problem
	if _, err := w.client.KeepPeer(t.Context(), id); !errors.As(err, &problem) || problem.Status != http.StatusNotFound {
		t.Errorf("too late: %v", err)
	}
}
