// Package rawcall makes system calls on descriptors that do not block, and need not
// tell Go's scheduler about them: it would wake a thread of its own for a call that
// might last, which on a machine at rest takes longer than the call. It is the one
// home of package unsafe.
//
// A busy machine's scheduler is to be told, since it looks after fairness then: "few"
// says that there is little to do.
package rawcall
