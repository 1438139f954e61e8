//go:build linux && amd64

package boots

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"homeward/scripts/boots/wire"
)

// Config says which machine starts. All fields are required but Files.
type Config struct {
	Kernel string // folder of an unpacked Debian package linux-image
	System string // folder of a system that unpack made
	Files  []File // that lie in the system as well, or instead of its own
	Agent  string // the program
	Dir    string // for files of the run; its path must be short, since a socket is in it
}

// File is a file in the machine.
type File struct {
	Path    string // absolute
	Mode    int    // as for chmod(2)
	Content []byte
	Link    string // where it leads, if it is a symbolic link
}

// Machine is a running one.
type Machine struct {
	qemu    *exec.Cmd
	ended   chan error
	line    net.Conn
	answers *json.Decoder
	console screen
}

// memory of a machine, in MiB: the system lies in it.
const memory = "1024"

// Start starts a machine and waits until its agent is there. Its owner ends it with
// [Machine.Stop]; it ends with the context as well.
func Start(ctx context.Context, c Config) (*Machine, error) {
	kernels, err := filepath.Glob(filepath.Join(c.Kernel, "boot", "vmlinuz-*"))
	if err != nil || len(kernels) != 1 {
		return nil, fmt.Errorf("%s has %d kernels in place of one", c.Kernel, len(kernels))
	}
	image := filepath.Join(c.Dir, "root.cpio")
	if err := write(image, c); err != nil {
		return nil, err
	}
	defer os.Remove(image)
	socket := filepath.Join(c.Dir, "line")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listening for the machine: %w", err)
	}
	defer listener.Close()
	m := &Machine{ended: make(chan error, 1)}
	// The network card's cable leads to a hub that nothing else is plugged into.
	m.qemu = exec.CommandContext(ctx, "qemu-system-x86_64", "-machine", "pc,accel=tcg", "-cpu", "max", "-smp", "2", "-m", memory,
		"-no-reboot", "-nodefaults", "-display", "none", "-serial", "stdio",
		"-chardev", "socket,id=line,path="+socket, "-serial", "chardev:line",
		"-netdev", "hubport,id=net,hubid=0", "-device", "e1000,netdev=net,romfile=",
		"-kernel", kernels[0], "-initrd", image, "-append", "console=ttyS0 quiet panic=-1 net.ifnames=0")
	m.qemu.Stdout, m.qemu.Stderr = &m.console, &m.console
	if err := m.power(); err != nil {
		return nil, fmt.Errorf("starting the machine: %w", err)
	}
	if err := m.connect(ctx, listener); err != nil {
		return nil, errors.Join(fmt.Errorf("waiting for the machine's agent: %w\nthe console: %s", err, m.console.text()), m.Stop())
	}
	return m, nil
}

// power starts the emulator, which ends with this program, however that ends: the
// kernel takes the thread that started it for its parent.
func (m *Machine) power() error {
	m.qemu.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := m.qemu.Start()
		started <- err
		if err == nil {
			m.ended <- m.qemu.Wait()
		}
	}()
	return <-started
}

// connect waits until the agent says hello.
func (m *Machine) connect(ctx context.Context, listener *net.UnixListener) error {
	end, ok := ctx.Deadline()
	if !ok {
		end = time.Now().Add(5 * time.Minute)
	}
	err := listener.SetDeadline(end)
	if err != nil {
		return err
	}
	if m.line, err = listener.Accept(); err != nil {
		return err
	}
	if err := m.line.SetDeadline(end); err != nil {
		return err
	}
	hello := make([]byte, len(wire.Hello)+1)
	for got := 0; got < len(hello); {
		n, err := m.line.Read(hello[got:])
		if err != nil {
			return err
		}
		got += n
	}
	if string(hello) != wire.Hello+"\n" {
		return fmt.Errorf("it said %q", hello)
	}
	m.answers = json.NewDecoder(m.line)
	return nil
}

// Run runs a program in the machine, for that long at most, and returns what it printed.
func (m *Machine) Run(limit time.Duration, command ...string) (string, error) {
	// More than the program gets: its end must be told, too.
	if err := m.line.SetDeadline(time.Now().Add(limit + time.Minute)); err != nil {
		return "", err
	}
	if err := json.NewEncoder(m.line).Encode(wire.Request{Command: command, Limit: limit}); err != nil {
		return "", fmt.Errorf("telling the machine to run %q: %w", command, err)
	}
	var a wire.Answer
	if err := m.answers.Decode(&a); err != nil {
		return "", fmt.Errorf("waiting for the machine to run %q: %w", command, err)
	}
	if a.Problem != "" {
		return a.Output, errors.New(a.Problem)
	}
	return a.Output, nil
}

// Stop ends the machine at once, as a power cut does.
func (m *Machine) Stop() error {
	if m.line != nil {
		m.line.Close()
	}
	err := m.qemu.Process.Kill()
	<-m.ended
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// screen keeps what is printed.
type screen struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(b)
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}
