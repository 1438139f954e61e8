// Package task is what a test and its guest tell each other.
package task

import "net/netip"

// File is where the guest finds its task, in its own root.
const File = "/task.json"

// Marker begins the line on the console by which the guest tells its [Result] as
// JSON.
const Marker = "guest tells: "

// Task is what the guest does.
type Task struct {
	Modules []string // files in the guest's root, in the order of loading

	// The guest's cable.
	Addresses []netip.Prefix
	Gateways  []netip.Addr

	// The tunnel, as the code says.
	PrivateKey, PublicKey, PresharedKey string
	Inner                               []netip.Prefix
	MTU                                 int
	AllowedIPs                          []netip.Prefix
	ListenPort                          int // 0: the kernel chooses

	// Program is run then, unless its file is empty.
	Program Program

	// Endpoints are called one after the other, in the same session. Over each of
	// them all is fetched and pinged.
	Endpoints []netip.AddrPort
	Fetch     []string // URLs
	Ping      []netip.Addr
}

// Program is one that needs nothing but itself.
type Program struct {
	File      string // on the test's machine; the guest has it as [Run]
	Args, Env []string
}

// Run is where the guest finds the program.
const Run = "/program"

// Result is what came of it.
type Result struct {
	Kernel    string // its release
	Problem   string // why the guest gave up; empty if it did not
	Handshake bool
	Received  int64 // bytes in the tunnel
	Answers   []Answer
	Said      string // by the program, both outputs, and how it failed
}

// Answer is what one URL or address gave.
type Answer struct {
	By                netip.AddrPort // the endpoint
	Of, Body, Problem string
}
