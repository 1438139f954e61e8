// Package metrics says in numbers how the house is, in Prometheus' text form, version
// 0.0.4, which all collectors read.
//
// By itself it names nobody: of devices there are only sums. A series for each is what
// a request asks for that may also read who they are. No secret, no address and no name
// of the house is among it.
//
// The form is written here, in some lines, and read back with the collectors' own
// library in tests: the library for programs that are measured brings protocol buffers
// and a registry along, for a page that is drawn anew for each request.
package metrics
