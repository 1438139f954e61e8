//go:build linux

package labnet

import (
	"os"
	"os/exec"
	"syscall"
	"time"
)

// grace is how long a process has to end by itself at the end of a test.
const grace = 3 * time.Second

// Process is a program that runs on a host.
type Process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	err  error // of Wait; read after done
}

// Start starts a command that [Host.Command] or its kin made. What it prints
// goes to a file, unless the command says otherwise, and is shown when the
// test fails. At the end of the test the process is asked to end, then killed.
func (h *Host) Start(cmd *exec.Cmd) *Process {
	h.t.Helper()
	p := &Process{cmd: cmd, done: make(chan struct{})}
	if cmd.Stdout == nil && cmd.Stderr == nil {
		f, err := os.CreateTemp(h.dir, h.Name+"-*.log")
		if err != nil {
			h.t.Fatal(err)
		}
		defer f.Close()
		cmd.Stdout, cmd.Stderr = f, f
		p.log = f.Name()
	}
	cmd.WaitDelay = grace // for what its children print
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C must not end the router before the rest
	}
	if err := cmd.Start(); err != nil {
		h.t.Fatalf("starting %v on %s: %v", cmd.Args, h.Name, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	h.t.Cleanup(func() {
		p.Stop()
		if h.t.Failed() && p.log != "" {
			h.t.Logf("%s: %v said:\n%s", h.Name, cmd.Args, tail(p.Output()))
		}
	})
	return p
}

// PID is the process's id. Commands that [Host.Command] or its kin made replace
// themselves by the program, so that it is the program's.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the end of the process and says how it ended.
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

// Signal sends a signal. A process that has ended is left alone.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Stop asks the process to end, kills it when it does not, and waits.
func (p *Process) Stop() error {
	p.Signal(syscall.SIGTERM)
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case <-p.done:
	case <-patience.C:
		p.cmd.Process.Kill()
	}
	return p.Wait()
}

// Output is what the process has printed so far, if it went to a file.
func (p *Process) Output() string {
	b, _ := os.ReadFile(p.log)
	return string(b)
}

// tail is the last part of a long text.
func tail(s string) string {
	const limit = 16 << 10
	if len(s) <= limit {
		return s
	}
	return "…" + s[len(s)-limit:]
}
