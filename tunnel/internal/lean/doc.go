// Package lean keeps buffers small that somebody else made too large.
//
// wireguard-go has a buffer of 64 KiB for each packet, a thousand and more under
// load, and uses 1.5 KiB of it. Go's allocator writes zeros over the whole buffer
// where the memory was used before, so that all of it becomes real memory: 70 MiB,
// on boards that have 512. A Trimmer gives back the pages in the middle, which nobody
// is going to use.
//
// Most buffers of a batch stay where they are, unused, from one call to the next:
// they cost a comparison. One that is new costs a look at eight bytes where it has
// been trimmed, and a system call where it has not. Nothing relies on it: where the
// kernel refuses, the buffers stay as they are.
package lean
