// Package segment joins packets that follow each other in one TCP stream, and
// cuts large packets into segments: what network cards do for hosts (GRO and
// TSO), here between WireGuard and the data planes.
//
// Joining and cutting is invisible to both ends of the stream: the bytes, their
// order, the end of a push and what the headers say stay as they were. Only the
// timestamps and acknowledgements of packets in between are lost, as on any path
// where these packets are lost.
package segment
