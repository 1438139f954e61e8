//go:build linux

package main

import "time"

// load is one thing to send through a server.
type load struct {
	name, about string
	run         func(*world, *server, *row) error
}

// loads are all of them. Those after which a server is no longer as it was come last.
func loads() []load {
	return []load{
		{"idle", "memory at rest, with five devices", rest},
		{"rtt", "median round trip of a datagram, with nothing else under way", roundTrips},
		{"down1", "TCP from home to the client, one stream", stream("down1", 1, true)},
		{"up1", "TCP from the client, one stream", stream("up1", 1, false)},
		{"down4", "the same with four streams", stream("down4", 4, true)},
		{"up4", "", stream("up4", 4, false)},
		{"rttload", "median round trip beside one stream of TCP from home", roundTripsUnderLoad},
		{"udp", "datagrams of 1,200 bytes from the client, as many as it can: what arrives", flood},
		{"lossfree", "the same both ways: the greatest rate of which all but one in a thousand arrive", lossFree},
		{"conn", "TCP connections a second, each used once", connectionRate},
		{"junk", "50,000 packets a second of strangers at the port: memory, and the round trip beside it", junk},
		{"peers", "1,000 devices more: time for each, memory of each, and a round trip beside it (homeward only)", manyPeers},
	}
}

func loadNames() []string {
	var names []string
	for _, l := range loads() {
		names = append(names, l.name)
	}
	return names
}

// rest measures the memory of the server at rest.
func rest(w *world, s *server, r *row) error {
	if s.process == nil {
		return nil
	}
	end := s.profile(w.s.profiles, r.name+" idle")
	time.Sleep(settle)
	mib, err := s.mib("VmRSS")
	if err != nil {
		return err
	}
	r.add("idle MiB", mib)
	return end()
}
