//go:build linux

// Guest is the first and only program of a small Linux: it sets the kernel's own
// WireGuard up, does what its task says, tells the result on the console, and
// switches the machine off.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"homeward/scripts/kernelpeer/task"
)

func main() {
	var r task.Result
	if err := run(&r); err != nil {
		r.Problem = err.Error()
	}
	if line, err := json.Marshal(r); err == nil {
		fmt.Printf("\n%s%s\n", task.Marker, line)
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART) // which ends the machine, too
}

func run(r *task.Result) error {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return fmt.Errorf("asking for the kernel's release: %w", err)
	}
	r.Kernel = unix.ByteSliceToString(u.Release[:])
	b, err := os.ReadFile(task.File)
	if err != nil {
		return err
	}
	var t task.Task
	if err := json.Unmarshal(b, &t); err != nil {
		return fmt.Errorf("reading the task: %w", err)
	}
	if err := load(t.Modules); err != nil {
		return err
	}
	if err := plugIn(t); err != nil {
		return err
	}
	if err := tunnelUp(t); err != nil {
		return err
	}
	if t.Program.File != "" {
		r.Said = runProgram(t.Program)
	}
	for _, by := range t.Endpoints {
		if err := call(t, by); err != nil {
			return err
		}
		add := func(of, body string, err error) {
			a := task.Answer{By: by, Of: of, Body: body}
			if err != nil {
				a.Problem = err.Error()
			}
			r.Answers = append(r.Answers, a)
		}
		for _, url := range t.Fetch {
			body, err := fetch(url)
			add(url, body, err)
		}
		for _, to := range t.Ping {
			add(to.String(), "", ping(to))
		}
	}
	return look(r)
}

// runProgram runs it, for a minute at most.
func runProgram(p task.Program) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, task.Run, p.Args...)
	cmd.Env = p.Env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out) + err.Error()
	}
	return string(out)
}

// load puts modules into the kernel.
func load(modules []string) error {
	for _, m := range modules {
		f, err := os.Open(m)
		if err != nil {
			return err
		}
		err = unix.FinitModule(int(f.Fd()), "", 0)
		f.Close()
		if err != nil {
			return fmt.Errorf("loading %s: %w", m, err)
		}
	}
	return nil
}

// fetch tries for a while: the first packet makes the handshake.
func fetch(url string) (string, error) {
	client := http.Client{Timeout: 20 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return string(body), err
}

// ping asks for one echo, with data of 1,000 bytes. It is not asked for again: a
// packet that is lost in here is lost by a mistake.
func ping(to netip.Addr) error {
	network, local, proto := "ip6:ipv6-icmp", "::", 58
	kind, reply := icmp.Type(ipv6.ICMPTypeEchoRequest), icmp.Type(ipv6.ICMPTypeEchoReply)
	if to.Is4() {
		network, local, proto = "ip4:icmp", "0.0.0.0", 1
		kind, reply = ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply
	}
	conn, err := icmp.ListenPacket(network, local)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	request, err := (&icmp.Message{Type: kind, Body: &icmp.Echo{ID: 7, Seq: 1, Data: make([]byte, 1000)}}).Marshal(nil)
	if err != nil {
		return err
	}
	if _, err := conn.WriteTo(request, &net.IPAddr{IP: to.AsSlice()}); err != nil {
		return err
	}
	for buf := make([]byte, 2000); ; {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return err
		}
		if m, err := icmp.ParseMessage(proto, buf[:n]); err == nil && m.Type == reply {
			return nil
		}
	}
}
