// Package hardening takes rights away from the running process that homeward
// never needs, beside what its service takes: a foothold in it could start no
// program, write nowhere but to the state directory and where backups go, and leave no memory on
// the disk.
//
// Where the kernel lacks a means the rest still holds, and the reason is told:
// an old NAS must not lose its way home for it.
package hardening

// Result is what became of one means.
type Result struct {
	Means   string // what it protects, in a few words
	Problem string // why it could not be had; empty: it holds
	Files   bool   // it is about which files may be written
}
