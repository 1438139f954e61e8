package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"homeward/peers"
)

// store is the history's tables.
type store struct{ db *sql.DB }

// batch is what goes to the disk at one go.
type batch struct {
	intervals []interval
	sessions  []stretch
	events    []Event
	oldest    int64      // events before this one are forgotten
	removed   []peers.ID // peers of which nothing is to stay
	trim      time.Time  // forget what is too old now; zero: not this time
}

func (b batch) empty() bool {
	return len(b.intervals)+len(b.sessions)+len(b.events)+len(b.removed) == 0 && b.trim.IsZero()
}

// write does all of b or nothing.
func (s store) write(ctx context.Context, b batch, maxRows int) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // without effect after the commit
	t := writer{ctx: ctx, tx: tx}
	for _, i := range b.intervals {
		t.traffic(i)
	}
	for _, st := range b.sessions {
		t.do(`INSERT INTO peer_sessions (peer_id, first_unix, last_unix, place, home) SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM peers WHERE id = ?1)
			ON CONFLICT DO UPDATE SET last_unix = excluded.last_unix`, st.peer, st.First.Unix(), st.Last.Unix(), st.Place, boolInt(st.Home))
		t.do(`DELETE FROM peer_sessions WHERE peer_id = ?1 AND first_unix <= (SELECT first_unix FROM peer_sessions WHERE peer_id = ?1 ORDER BY first_unix DESC LIMIT 1 OFFSET ?2)`, st.peer, maxSessions)
	}
	for _, e := range b.events {
		t.do(`INSERT OR REPLACE INTO events (id, at_unix, last_unix, count, kind, peer_id, name, actor, cause, place, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			e.ID, e.At.Unix(), e.Last.Unix(), e.Count, string(e.Kind), e.Peer, e.Name, e.Actor, e.Cause, e.Place, e.Detail)
	}
	t.do(`DELETE FROM events WHERE id < ?`, b.oldest)
	for _, id := range b.removed {
		t.remove(id)
	}
	if !b.trim.IsZero() {
		t.trim(b.trim, maxRows)
	}
	if t.err != nil {
		return t.err
	}
	return tx.Commit()
}

// writer remembers the first error of a transaction, and its statements.
type writer struct {
	ctx        context.Context
	tx         *sql.Tx
	err        error
	statements map[string]*sql.Stmt
}

func (w *writer) do(query string, args ...any) {
	if w.err != nil {
		return
	}
	st := w.statements[query]
	if st == nil {
		if st, w.err = w.tx.PrepareContext(w.ctx, query); w.err != nil { // closed with the transaction
			return
		}
		if w.statements == nil {
			w.statements = map[string]*sql.Stmt{}
		}
		w.statements[query] = st
	}
	_, w.err = st.ExecContext(w.ctx, args...)
}

// traffic adds an interval's traffic to its five minutes, hour and day.
func (w *writer) traffic(i interval) {
	for id, a := range i.of {
		w.do(`INSERT OR IGNORE INTO peers_with_traffic (peer_id) VALUES (?)`, id)
		for _, s := range []step{fiveMinutes, hourly, daily} {
			w.do(`INSERT INTO peer_traffic (step_seconds, at_unix, peer_id, received, sent) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT DO UPDATE SET received = min(received, 0x3fffffffffffffff) + excluded.received, sent = min(sent, 0x3fffffffffffffff) + excluded.sent`,
				int64(s), s.start(i.start).Unix(), id, int64(min(a.Received, 1<<61)), int64(min(a.Sent, 1<<61)))
		}
	}
}

// remove forgets a peer, unless it is there after all. Rows lie by time, so that an
// interval's are written side by side; the times are found by jumping from one
// to the next.
func (w *writer) remove(id peers.ID) {
	for s := range kept {
		w.do(`WITH RECURSIVE times (at) AS (
				SELECT min(at_unix) FROM peer_traffic WHERE step_seconds = ?1
				UNION ALL SELECT (SELECT min(at_unix) FROM peer_traffic WHERE step_seconds = ?1 AND at_unix > times.at) FROM times WHERE times.at IS NOT NULL)
			DELETE FROM peer_traffic WHERE step_seconds = ?1 AND peer_id = ?2 AND at_unix IN (SELECT at FROM times WHERE at IS NOT NULL)
				AND NOT EXISTS (SELECT 1 FROM peers WHERE id = ?2)`, int64(s), id)
	}
	w.do(`DELETE FROM peers_with_traffic WHERE peer_id = ?1 AND NOT EXISTS (SELECT 1 FROM peers WHERE id = ?1)`, id)
}

// trim forgets what is too old, and the oldest of what is too much.
func (w *writer) trim(now time.Time, maxRows int) {
	for s, lasts := range kept {
		w.do(`DELETE FROM peer_traffic WHERE step_seconds = ? AND at_unix < ?`, int64(s), now.Add(-lasts).Unix())
		w.do(`DELETE FROM peer_traffic WHERE step_seconds = ?1 AND at_unix <= (SELECT at_unix FROM peer_traffic WHERE step_seconds = ?1 ORDER BY at_unix DESC LIMIT 1 OFFSET ?2)`, int64(s), maxRows)
	}
	w.do(`DELETE FROM peer_sessions WHERE last_unix < ?`, now.Add(-sessionsKept).Unix())
}

// events returns all that are stored, by ID.
func (s store) events(ctx context.Context) ([]Event, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, at_unix, last_unix, count, kind, peer_id, name, actor, cause, place, detail FROM events ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("reading the events: %w", err)
	}
	defer rows.Close()
	var list []Event
	for rows.Next() {
		var e Event
		var at, last int64
		if err := rows.Scan(&e.ID, &at, &last, &e.Count, &e.Kind, &e.Peer, &e.Name, &e.Actor, &e.Cause, &e.Place, &e.Detail); err != nil {
			return nil, fmt.Errorf("reading the events: %w", err)
		}
		e.At, e.Last = time.Unix(at, 0), time.Unix(last, 0)
		list = append(list, e)
	}
	return list, rows.Err()
}

// hours returns the hourly traffic since then, of all peers.
func (s store) hours(ctx context.Context, since time.Time, each func(peers.ID, int64, Amount)) error {
	rows, err := s.db.QueryContext(ctx, `SELECT peer_id, at_unix, received, sent FROM peer_traffic WHERE step_seconds = ? AND at_unix >= ?`, int64(hourly), since.Unix())
	if err != nil {
		return fmt.Errorf("reading the latest traffic: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id peers.ID
		var at int64
		var a Amount
		if err := rows.Scan(&id, &at, &a.Received, &a.Sent); err != nil {
			return fmt.Errorf("reading the latest traffic: %w", err)
		}
		each(id, at/int64(hourly), a)
	}
	return rows.Err()
}

// traffic returns a peer's traffic of the intervals that begin at the given times.
func (s store) traffic(ctx context.Context, id peers.ID, of step, starts []int64) (map[int64]Amount, error) {
	times, err := json.Marshal(starts)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.QueryContext(ctx, `SELECT at_unix, received, sent FROM peer_traffic WHERE step_seconds = ? AND at_unix IN (SELECT value FROM json_each(?)) AND peer_id = ?`, int64(of), string(times), id)
	if err != nil {
		return nil, fmt.Errorf("reading the traffic of device %d: %w", id, err)
	}
	defer rows.Close()
	found := map[int64]Amount{}
	for rows.Next() {
		var at int64
		var a Amount
		if err := rows.Scan(&at, &a.Received, &a.Sent); err != nil {
			return nil, fmt.Errorf("reading the traffic of device %d: %w", id, err)
		}
		found[at] = a
	}
	return found, rows.Err()
}

// sessions returns a peer's stored sessions, the latest first.
func (s store) sessions(ctx context.Context, id peers.ID, limit int) ([]Session, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT first_unix, last_unix, place, home FROM peer_sessions WHERE peer_id = ? ORDER BY first_unix DESC LIMIT ?`, id, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the sessions of device %d: %w", id, err)
	}
	defer rows.Close()
	var list []Session
	for rows.Next() {
		var first, last int64
		var v Session
		if err := rows.Scan(&first, &last, &v.Place, &v.Home); err != nil {
			return nil, fmt.Errorf("reading the sessions of device %d: %w", id, err)
		}
		v.First, v.Last = time.Unix(first, 0), time.Unix(last, 0)
		list = append(list, v)
	}
	return list, rows.Err()
}

// lastSeen returns when each peer's latest session ended.
func (s store) lastSeen(ctx context.Context) (map[peers.ID]time.Time, error) {
	return s.byPeer(ctx, `SELECT peer_id, max(last_unix) FROM peer_sessions GROUP BY peer_id`)
}

// Newest is the latest time of which anything is written down, or zero.
func Newest(ctx context.Context, db *sql.DB) (time.Time, error) {
	var unix sql.NullInt64
	err := db.QueryRowContext(ctx, `SELECT max(t) FROM (SELECT max(last_unix) AS t FROM events
		UNION ALL SELECT (SELECT at_unix FROM peer_traffic WHERE step_seconds = ? ORDER BY at_unix DESC LIMIT 1))`, int64(fiveMinutes)).Scan(&unix)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading when the history ends: %w", err)
	}
	if !unix.Valid {
		return time.Time{}, nil
	}
	return time.Unix(unix.Int64, 0), nil
}

// orphans returns the peers that are gone and have traffic: removed shortly before
// the program ended.
func (s store) orphans(ctx context.Context) (map[peers.ID]time.Time, error) {
	return s.byPeer(ctx, `SELECT peer_id, 0 FROM peers_with_traffic WHERE peer_id NOT IN (SELECT id FROM peers)`)
}

func (s store) byPeer(ctx context.Context, query string) (map[peers.ID]time.Time, error) {
	rows, err := s.db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("reading the devices' history: %w", err)
	}
	defer rows.Close()
	found := map[peers.ID]time.Time{}
	for rows.Next() {
		var id peers.ID
		var t int64
		if err := rows.Scan(&id, &t); err != nil {
			return nil, fmt.Errorf("reading the devices' history: %w", err)
		}
		found[id] = time.Unix(t, 0)
	}
	return found, rows.Err()
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
