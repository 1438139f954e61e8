package rawcall

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Few is up to how many packets are few.
const Few = 2

// Message is struct mmsghdr: one message of many that one system call takes (see
// recvmmsg(2)). What its pointers lead to has to stay where it is until then.
type Message struct {
	unix.Msghdr
	Size uint32 // of what was received or sent, in bytes
}

// Receive is recvmmsg: it returns how many messages came, or an error such as EAGAIN.
func Receive(fd uintptr, list []Message, few bool) (int, syscall.Errno) {
	return messages(unix.SYS_RECVMMSG, fd, list, few)
}

// Send is sendmmsg: it returns how many messages left, or the error of the first.
func Send(fd uintptr, list []Message, few bool) (int, syscall.Errno) {
	return messages(unix.SYS_SENDMMSG, fd, list, few)
}

func messages(trap, fd uintptr, list []Message, few bool) (int, syscall.Errno) {
	return call(trap, fd, unsafe.Pointer(unsafe.SliceData(list)), len(list), few)
}

// Read reads one packet into b.
func Read(fd uintptr, b []byte, few bool) (int, syscall.Errno) {
	return call(unix.SYS_READ, fd, unsafe.Pointer(unsafe.SliceData(b)), len(b), few)
}

// Write writes b as one packet.
func Write(fd uintptr, b []byte, few bool) (int, syscall.Errno) {
	return call(unix.SYS_WRITE, fd, unsafe.Pointer(unsafe.SliceData(b)), len(b), few)
}

// Writev writes one packet that lies in parts.
func Writev(fd uintptr, parts []unix.Iovec, few bool) (int, syscall.Errno) {
	return call(unix.SYS_WRITEV, fd, unsafe.Pointer(unsafe.SliceData(parts)), len(parts), few)
}

// call repeats what a signal interrupts. The last arguments are those of recvmmsg and
// sendmmsg: no flags, no time.
func call(trap, fd uintptr, p unsafe.Pointer, n int, few bool) (int, syscall.Errno) {
	f := unix.Syscall6
	if few {
		f = unix.RawSyscall6
	}
	for {
		got, _, errno := f(trap, fd, uintptr(p), uintptr(n), 0, 0, 0)
		switch errno {
		case 0:
			return int(got), 0
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// Part makes b a part of a packet.
func Part(b []byte) unix.Iovec {
	v := unix.Iovec{Base: unsafe.SliceData(b)}
	v.SetLen(len(b))
	return v
}
