package main

import (
	"fmt"
	"strings"
	"time"

	"homeward/tunnel"
	"homeward/web/api"
	"homeward/web/words"
)

// toldSources is how many sources a report names.
const toldSources = 8

// arrivalFacts say what reached the UDP port, in all and from where.
func arrivalFacts(a tunnel.Arrivals, in insider, now time.Time) []api.Fact {
	var total []string
	for _, c := range tunnel.ArrivalClasses() {
		if s := a.Classes[c]; s.Count > 0 {
			total = append(total, fmt.Sprintf("%s %d (%s)", c, s.Count, words.Ago(now.Sub(s.Last))))
		}
	}
	if len(total) == 0 {
		return []api.Fact{{Name: "reached the port", Value: "nothing yet"}}
	}
	facts := []api.Fact{{Name: "reached the port", Value: strings.Join(total, ", ")}}
	for _, s := range a.Sources[:min(len(a.Sources), toldSources)] {
		facts = append(facts, api.Fact{Name: "from", Value: sourceInWords(s, in, now)})
	}
	if more := len(a.Sources) - toldSources; more > 0 || a.Forgot > 0 {
		facts = append(facts, api.Fact{Name: "from", Value: fmt.Sprintf("%d others, and %d that are forgotten", max(0, more), a.Forgot)})
	}
	return facts
}

// sourceInWords is one address and what came from it, or went to it.
func sourceInWords(s tunnel.ArrivalSource, in insider, now time.Time) string {
	var seen []string
	for _, c := range tunnel.ArrivalClasses() {
		if n := s.Classes[c].Count; n > 0 {
			seen = append(seen, fmt.Sprintf("%s %d", c, n))
		}
	}
	where := "outside"
	if in.has(s.Addr) {
		where = "inside the house"
	}
	return fmt.Sprintf("%v (%s), %s: %s", s.Addr, where, words.Ago(now.Sub(s.Last)), strings.Join(seen, ", "))
}
