package peers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// record is a peer in a file. Nothing of its history is in it.
type record struct {
	ID            ID           `json:"id"`
	Name          string       `json:"name"`
	Kind          string       `json:"kind"`
	Note          string       `json:"note,omitempty"`
	Profile       string       `json:"profile"`
	Access        string       `json:"access"`
	PublicKey     []byte       `json:"public_key"`
	PresharedKey  []byte       `json:"preshared_key"`
	NextPublic    []byte       `json:"next_public_key,omitempty"`
	NextPreshared []byte       `json:"next_preshared_key,omitempty"`
	Addresses     []netip.Addr `json:"addresses"`
	DNS           bool         `json:"dns"`
	Routes        string       `json:"allowed_ips,omitempty"`
	Resolvers     string       `json:"resolvers,omitempty"`
	Keepalive     int64        `json:"keepalive_seconds"`
	Enabled       bool         `json:"enabled"`
	Expires       int64        `json:"expires_unix,omitempty"`
	IdleDays      int          `json:"idle_days,omitempty"`
	IdleFrom      int64        `json:"idle_from_unix,omitempty"`
	IdledOut      bool         `json:"idled_out,omitempty"`
	Created       int64        `json:"created_unix"`
	Version       int64        `json:"version"`
	Said          string       `json:"said,omitempty"`
	NextSaid      string       `json:"next_said,omitempty"`
}

// Records are peers outside the database.
type Records struct {
	peers  []*Peer
	lastID ID
}

// recordsForm are Records as a text.
type recordsForm struct {
	LastID ID       `json:"last_id"` // the greatest that was ever given
	Peers  []record `json:"peers"`
}

// Len is how many there are.
func (r Records) Len() int { return len(r.peers) }

// Wanted is who may come in at a time, and when the first of them expires; zero
// means that none does.
func (r Records) Wanted(now time.Time) (list []DevicePeer, nextEnd time.Time) {
	return wantedOf(r.peers, now)
}

// Records are all peers as a text for a file, preshared keys included: it is as
// secret as the database. Equal peers give equal texts.
func (m *Manager) Records() ([]byte, error) {
	now := m.latest.Load()
	list := []record{}
	for _, p := range now.byID {
		r, err := recordOf(p)
		if err != nil {
			return nil, fmt.Errorf("writing down device %q: %w", p.Name, err)
		}
		list = append(list, r)
	}
	return json.Marshal(recordsForm{now.lastID, list})
}

func recordOf(p *Peer) (record, error) {
	psk := p.PresharedKey.Reveal()
	r := record{
		ID: p.ID, Name: string(p.Name), Kind: string(p.Kind), Note: p.Note, Profile: string(p.Profile), Access: string(p.Access),
		PublicKey: p.PublicKey[:], PresharedKey: psk[:], Addresses: p.Addresses, DNS: p.DNS, Routes: string(p.Routes), Resolvers: string(p.Resolvers), Keepalive: int64(p.Keepalive / time.Second),
		Enabled: p.Enabled, Expires: unixOf(p.Expires), IdleDays: p.IdleDays, IdleFrom: unixOf(p.idleFrom), IdledOut: p.IdledOut,
		Created: p.Created.Unix(), Version: p.Version,
	}
	var errs [2]error
	if p.said != nil {
		r.Said, errs[0] = p.said.text()
	}
	if p.Renewing() {
		next := p.Next.PresharedKey.Reveal()
		r.NextPublic, r.NextPreshared = p.Next.PublicKey[:], next[:]
		if p.nextSaid != nil {
			r.NextSaid, errs[1] = p.nextSaid.text()
		}
	}
	return r, errors.Join(errs[:]...)
}

// ParseRecords reads what Manager.Records wrote. Peers that are damaged are left
// out and told.
func ParseRecords(text []byte) (Records, []LeftOut, error) {
	var form recordsForm
	if err := json.Unmarshal(text, &form); err != nil {
		return Records{}, nil, fmt.Errorf("reading the devices: %w", err)
	}
	if form.Peers == nil {
		return Records{}, nil, errors.New("reading the devices: there is no list of them")
	}
	all := Records{lastID: form.LastID}
	var leftOut []LeftOut
	for _, r := range form.Peers {
		p, err := r.row().peer()
		if err != nil {
			leftOut = append(leftOut, LeftOut{r.ID, r.Name, err})
			continue
		}
		all.peers = append(all.peers, &p)
	}
	return all, leftOut, nil
}

// row is r as the database would give it back: both are believed as little.
func (r record) row() *row {
	out := &row{
		id: r.ID, name: r.Name, kind: r.Kind, note: r.Note, profile: r.Profile, access: r.Access, routes: r.Routes, resolvers: r.Resolvers, publicKey: r.PublicKey, presharedKey: r.PresharedKey,
		dns: boolInt(r.DNS), keepalive: r.Keepalive, enabled: boolInt(r.Enabled), expires: r.Expires, idleDays: int64(r.IdleDays), idledOut: boolInt(r.IdledOut),
		idleFrom: r.IdleFrom, created: r.Created, version: r.Version, nextPublic: r.NextPublic, nextPreshared: r.NextPreshared, said: r.Said, nextSaid: r.NextSaid,
	}
	for _, a := range r.Addresses {
		out.addresses = append(out.addresses, addressRow{a.String(), family(a)})
	}
	return out
}

// Reconciled says what Reconcile did, by name.
type Reconciled struct{ Added, Changed, Removed []Name }

// Reconcile makes the database agree with records that are newer than it is,
// after it was put back from a snapshot: who was added since comes in again, who
// was removed stays out. It changes all or nothing; nothing where the database is the
// newer one after all, which versions and numbers tell and no clock does.
func (m *Manager) Reconcile(ctx context.Context, newer Records) (Reconciled, error) {
	m.write.Lock()
	defer m.write.Unlock()
	var (
		done Reconciled
		gone []ID
		put  []Peer
	)
	if m.lastID > newer.lastID {
		return done, nil
	}
	want := map[ID]*Peer{}
	for _, p := range newer.peers {
		if old, ok := m.roster.get(p.ID); ok && old.Version > p.Version {
			return done, nil
		}
		want[p.ID] = p
	}
	for _, old := range m.roster.byID {
		switch p := want[old.ID]; {
		case p == nil:
			done.Removed = append(done.Removed, old.Name)
			gone = append(gone, old.ID)
		case p.Version != old.Version || p.PublicKey != old.PublicKey:
			done.Changed = append(done.Changed, p.Name)
			gone, put = append(gone, old.ID), append(put, *p)
			delete(want, old.ID)
		default:
			delete(want, old.ID)
		}
	}
	for _, p := range newer.peers {
		if want[p.ID] != nil && !m.isLeftOutLocked(p.ID) {
			done.Added = append(done.Added, p.Name)
			put = append(put, *p)
		}
	}
	if len(gone)+len(put) == 0 {
		return done, nil
	}
	if err := m.store.replace(context.WithoutCancel(ctx), gone, slices.Clip(put)); err != nil {
		return Reconciled{}, fmt.Errorf("bringing the devices up to date: %w", m.failedLocked(ctx, err))
	}
	if err := m.loadLocked(ctx); err != nil {
		return Reconciled{}, err
	}
	m.kickRun()
	return done, nil
}
