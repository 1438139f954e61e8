//go:build linux

// Agent is told over a serial line what to run, and tells what came of it: "agent
// DEVICE". As "agent serve FOLDER ADDRESS" it is a web server for what lies in a
// folder.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"homeward/scripts/boots/wire"
)

func main() {
	var err error
	switch len(os.Args) {
	case 2:
		err = obey(os.Args[1])
	case 4:
		err = http.ListenAndServe(os.Args[3], http.FileServer(http.Dir(os.Args[2])))
	default:
		err = errors.New("usage: agent DEVICE, or agent serve FOLDER ADDRESS")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

// obey does what comes over the line until the machine ends.
func obey(device string) error {
	// As whoever logs in has it; init gives less.
	if err := os.Setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"); err != nil {
		return err
	}
	line, err := open(device)
	if err != nil {
		return err
	}
	defer line.Close()
	if _, err := fmt.Fprintln(line, wire.Hello); err != nil {
		return err
	}
	for requests := bufio.NewScanner(line); requests.Scan(); {
		var r wire.Request
		if err := json.Unmarshal(requests.Bytes(), &r); err != nil {
			return fmt.Errorf("reading what to do: %w", err)
		}
		if err := json.NewEncoder(line).Encode(run(r)); err != nil {
			return err
		}
	}
	return nil
}

// open opens a serial line that hands over every byte as it is.
func open(device string) (*os.File, error) {
	line, err := os.OpenFile(device, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	t, err := unix.IoctlGetTermios(int(line.Fd()), unix.TCGETS)
	if err == nil {
		t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
		t.Cflag |= unix.CREAD | unix.CLOCAL
		t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
		err = unix.IoctlSetTermios(int(line.Fd()), unix.TCSETS, t)
	}
	if err != nil {
		line.Close()
		return nil, fmt.Errorf("making %s pass every byte: %w", device, err)
	}
	return line, nil
}

func run(r wire.Request) wire.Answer {
	ctx, cancel := context.WithTimeout(context.Background(), r.Limit)
	defer cancel()
	out, err := exec.CommandContext(ctx, r.Command[0], r.Command[1:]...).CombinedOutput()
	a := wire.Answer{Output: string(out)}
	if err = errors.Join(err, ctx.Err()); err != nil {
		a.Problem = err.Error()
	}
	return a
}
