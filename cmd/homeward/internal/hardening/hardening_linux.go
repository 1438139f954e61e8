package hardening

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/landlock-lsm/go-landlock/landlock"
	landlocksys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// Apply takes the rights away for good, from all threads. The state directory
// is dir and must exist; tun says that there may be a network interface; more are
// folders that may be written to besides, where they exist. It is called once, before
// the network is touched.
func Apply(dir string, tun bool, more ...string) []Result {
	if tun {
		_ = os.MkdirAll(controlDir, 0o755) // "wg show" is a convenience
	}
	var list []Result
	for _, m := range []struct {
		means string
		files bool
		take  func() error
	}{
		{"memory stays out of core dumps", false, noCoreDumps},
		{"only the state is written (Landlock)", true, func() error { return onlyState(dir, more) }},
		{"no program is started (seccomp)", false, noPrograms},
	} {
		r := Result{Means: m.means, Files: m.files}
		if err := m.take(); err != nil {
			r.Problem = err.Error()
		}
		list = append(list, r)
	}
	return list
}

// controlDir is where "wg show" looks for the sockets of WireGuard devices.
const controlDir = "/var/run/wireguard"

// noCoreDumps also keeps other programs of the same user from reading the
// memory, which has the keys.
func noCoreDumps() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("switching core dumps off: %w", err)
	}
	return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
}

// onlyState lets the process read what it needs of the system, and write only
// to the state directory, to the folders that the owner chose, to devices and settings
// of the network, and what SQLite sorts in a temporary folder.
func onlyState(dir string, more []string) error {
	more = slices.DeleteFunc(slices.Clone(more), func(f string) bool { return f == "" })
	if v, err := landlocksys.LandlockGetABIVersion(); err != nil || v < 1 {
		return errors.New("this kernel has no Landlock (Linux 5.13), or it is switched off")
	}
	const read = landlock.AccessFSSet(landlocksys.AccessFSReadFile | landlocksys.AccessFSReadDir)
	// The fifth version is the last that is about files only.
	err := landlock.V5.BestEffort().RestrictPaths(
		landlock.PathAccess(read, "/"),
		landlock.RWDirs(dir).WithRefer(),
		landlock.RWDirs(more...).IgnoreIfMissing(),
		landlock.RWDirs(os.TempDir(), "/var/tmp").IgnoreIfMissing(),
		landlock.RWDirs("/proc/sys/net", controlDir).IgnoreIfMissing(),
		landlock.RWFiles("/dev/null", "/dev/net/tun").WithIoctlDev().IgnoreIfMissing(),
	)
	if err != nil {
		return fmt.Errorf("asking Landlock: %w", err)
	}
	return nil
}

// never are system calls that homeward has no use for and an intruder would.
var never = []string{
	"execve", "execveat", // other programs
	"ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", // other processes
	"mount", "umount2", "move_mount", "open_tree", "fsopen", "fsmount", "fsconfig", "mount_setattr", "pivot_root", "chroot", "swapon", "swapoff", // file systems
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "bpf", "perf_event_open", "userfaultfd", // the kernel
	"unshare", "setns", "keyctl", "add_key", "request_key", "open_by_handle_at", "acct", "quotactl",
	"settimeofday", "clock_settime", "sethostname", "setdomainname",
}

// noPrograms refuses the calls above with EPERM. It sets no_new_privs, and both
// hold for all threads: the kernel does them in one step.
func noPrograms() error {
	if !seccomp.Supported() {
		return errors.New("this kernel has no seccomp filters")
	}
	machine, err := arch.GetInfo("")
	if err != nil {
		return fmt.Errorf("writing the filter: %w", err)
	}
	known := slices.DeleteFunc(slices.Clone(never), func(name string) bool { _, ok := machine.SyscallNames[name]; return !ok })
	// no_new_privs is of the thread that asks next.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = seccomp.LoadFilter(seccomp.Filter{
		NoNewPrivs: true, Flag: seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{DefaultAction: seccomp.ActionAllow, Syscalls: []seccomp.SyscallGroup{{Names: known, Action: seccomp.ActionErrno}}},
	})
	if err != nil {
		return fmt.Errorf("setting the filter: %w", err)
	}
	return nil
}
