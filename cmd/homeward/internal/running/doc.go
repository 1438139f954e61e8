// Package running reads the WireGuard interfaces that run on this machine, in the kernel
// or in a program, so that one can be taken over. It only reads, and holds no key longer
// than whoever asked for it.
//
// Which there are is seen without rights; what they know is told only to who may change
// them: root, or CAP_NET_ADMIN for the kernel's.
package running
