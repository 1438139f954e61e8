package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"homeward/peers/history"
	"homeward/web"
	"homeward/web/api"
	"homeward/web/languages"
)

// supportEvents is how many of the latest events a support bundle has.
const supportEvents = 1000

const supportReadme = `This is what homeward knows about itself, for somebody who helps.

report.txt     what works and what does not, and the facts behind it
status.json    the same for programs
devices.json   the devices: what is set for each and when it was here
settings.json  the settings of the house and of the operator's file
log.txt        what happened, the latest events at the end
build.txt      the program and the machine

Left out: keys, passwords, codes, and notes. Masked: public addresses, the house's
names, and the names of devices and people; what is equal has the same number in all
files. Private addresses are as they are. Look through it before you pass it on.
`

// supportBundle packs what helps somebody to help: a ZIP file.
func (a *appliance) supportBundle(_ context.Context, now time.Time) ([]byte, error) {
	events, _ := a.history.Events(history.Filter{Limit: supportEvents})
	return packSupport(a.status(), api.PeersFrom(a.peers.List()), a.houseBook().Settings(), events, now)
}

// packSupport masks what tells where the house is and who lives there.
func packSupport(s api.Status, devices []api.Peer, house api.Settings, events []history.Event, now time.Time) ([]byte, error) {
	m := newMask(s.Names, devices)
	m.people = actorsOf(events)
	s = m.status(s)
	var report strings.Builder
	if err := printDoctor(&report, s); err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for _, f := range []struct {
		name    string
		content any // a string is written as it is, the rest as JSON
	}{
		{"README.txt", supportReadme},
		{"report.txt", report.String()},
		{"status.json", s},
		{"devices.json", m.peers(devices)},
		{"settings.json", m.settings(house)},
		{"log.txt", m.log(events)},
		{"build.txt", buildText(now)},
	} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: "homeward-support/" + f.name, Method: zip.Deflate, Modified: now})
		if err != nil {
			return nil, err
		}
		if text, ok := f.content.(string); ok {
			_, err = io.WriteString(w, text)
		} else {
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			err = e.Encode(f.content)
		}
		if err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

func actorsOf(events []history.Event) []string {
	var list []string
	for _, e := range events {
		if e.Actor != "" && e.Actor != onThePage && e.Actor != onTheBox {
			list = append(list, e.Actor)
		}
	}
	return list
}

// peers are the devices without what is theirs: names, notes, keys.
func (m *mask) peers(list []api.Peer) []api.Peer {
	out := []api.Peer{}
	for _, p := range list {
		p.Name, p.Note, p.PublicKey = m.number("device", p.Name), "", ""
		p.Access, p.Endpoint = m.text(p.Access), m.text(p.Endpoint)
		out = append(out, p)
	}
	return out
}

// settings are those of the house without its names and public addresses.
func (m *mask) settings(s api.Settings) api.Settings {
	if s.House != "" {
		s.House = m.number("name", s.House)
	}
	s.Endpoint, s.Resolvers, s.Echo, s.Access, s.Calls = m.text(s.Endpoint), m.text(s.Resolvers), m.text(s.Echo), m.text(s.Access), m.text(s.Calls)
	file := []api.FileSetting{}
	for _, f := range s.File {
		if f.Key == "admin_hosts" && f.Value != "" {
			f.Value = m.number("name", f.Value)
		}
		f.Value = m.text(f.Value)
		file = append(file, f)
	}
	s.File = file
	return s
}

// log says what happened in English, the oldest first.
func (m *mask) log(events []history.Event) string {
	var b strings.Builder
	for i := len(events) - 1; i >= 0; i-- {
		e := events[i]
		if e.Name != "" {
			m.devices = append(m.devices, e.Name) // it may have had another name then
			e.Name = m.number("device", e.Name)
		}
		if e.Actor != "" && e.Actor != onThePage && e.Actor != onTheBox {
			e.Actor = m.number("person", e.Actor)
		}
		e.Cause, e.Place, e.Detail = m.whole(e.Cause), m.whole(e.Place), m.whole(e.Detail)
		fmt.Fprintf(&b, "%s  %s  %s\n", e.At.UTC().Format(time.DateTime), plain(e.Name), plain(m.text(web.EventText(languages.English(), e))))
	}
	return b.String()
}

// buildText says what runs and on what.
func buildText(now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "homeward %s, %s, %s/%s, %d CPUs, %s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), now.UTC().Format(time.RFC3339))
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			fmt.Fprintf(&b, "%s %s\n", d.Path, d.Version)
		}
	}
	return b.String()
}
