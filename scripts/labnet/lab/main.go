//go:build linux

// Command lab builds the home of the end-to-end tests for a person to look at,
// with homeward running on its NAS, and removes it at Ctrl-C. It needs root.
// Everything in it is a network namespace: nothing leaves the machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"homeward/scripts/labnet"
)

const help = `usage: scripts/lab [flags] [faults [PART OF A NAME]]

Builds a home in network namespaces (a router with UPnP, NAT-PMP and DNS, a NAS
that runs homeward, a file server, a laptop, a phone outside), says how to enter
it, and removes it at Ctrl-C. Needs root; nothing leaves the machine.

With "faults" it measures instead how long it takes until a phone outside comes in
again after each of the things that happen to routers, and prints a table.

`

func main() {
	flag.Usage = func() { fmt.Fprint(os.Stderr, help); flag.PrintDefaults() }
	var o labnet.Options
	flag.BoolVar(&o.NoUPnP, "no-upnp", false, "the router does not speak UPnP")
	flag.BoolVar(&o.NoNATPMP, "no-natpmp", false, "the router speaks neither NAT-PMP nor PCP")
	flag.BoolVar(&o.IGDv1, "igd1", false, "the router describes itself as IGD 1")
	flag.BoolVar(&o.PortsDeny, "deny", false, "the router refuses every mapping")
	flag.TextVar(&o.WAN, "wan", netip.Addr{}, "the router's `address` towards the provider; another than the usual one stands behind the provider's NAT")
	rootless := flag.Bool("rootless", false, "homeward runs as nobody, without TUN")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch what := flag.Arg(0); what {
	case "":
		os.Exit(inspect(ctx, o, *rootless))
	case "faults":
		os.Exit(runFaults(ctx, os.Stdout, flag.Arg(1)))
	default:
		fmt.Fprintf(os.Stderr, "lab: there is no %q: see --help\n", what)
		os.Exit(2)
	}
}

// inspect builds a home to look around in, until ctx ends.
func inspect(ctx context.Context, o labnet.Options, rootless bool) int {
	err := inLab(o, func(lab *labnet.Lab) error {
		lab.Share.ServeHTTP(":80", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "the file from the share\n") }))
		show(os.Stdout, lab)
		return serve(ctx, lab, rootless)
	})
	if err != nil && ctx.Err() == nil {
		fmt.Fprintf(os.Stderr, "lab: running homeward: %v\n", err)
		return 1
	}
	return 0
}

// inLab builds a lab, does something in it and removes it.
func inLab(o labnet.Options, do func(*labnet.Lab) error) error {
	return labnet.Outside(func(t labnet.T) error { return do(labnet.New(t, o)) })
}

// show says how to enter the hosts.
func show(w io.Writer, lab *labnet.Lab) {
	fmt.Fprintf(w, "A home in network namespaces. Enter a host with: ip netns exec NAME bash\n\n")
	for _, h := range []struct {
		host *labnet.Host
		what string
	}{
		{lab.Internet, "a server on the internet, " + labnet.Internet4},
		{lab.ISP, "the provider"},
		{lab.Router, "the router, " + labnet.RouterLAN + ", outside " + lab.PublicAddr4().String()},
		{lab.NAS, "the NAS with homeward, " + labnet.NAS4},
		{lab.Share, "a file server, " + labnet.Share4 + ", http://" + labnet.ShareName},
		{lab.Laptop, "a laptop at home, " + labnet.Laptop4},
		{lab.Phone, "a phone outside, " + labnet.Phone4},
	} {
		fmt.Fprintf(w, "  %-18s %s\n", h.host.Name, h.what)
	}
	fmt.Fprintf(w, "\nhomeward's state directory is %s. Ctrl-C removes everything.\n\n", filepath.Join(lab.Dir, "home", "state"))
}

// serve runs homeward on the NAS until ctx ends.
func serve(ctx context.Context, lab *labnet.Lab, rootless bool) error {
	bin := filepath.Join(lab.Dir, "homeward")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", bin, "./cmd/homeward").CombinedOutput(); err != nil {
		return fmt.Errorf("building it: %w\n%s", err, out)
	}
	home := filepath.Join(lab.Dir, "home")
	cmd := lab.NAS.CommandAs(context.Background(), rootless, home, bin, "serve", "--state", filepath.Join(home, "state"), "--config", os.DevNull)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us, and we tell it
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-ended:
		return err
	case <-time.After(10 * time.Second):
		cmd.Process.Kill()
		return <-ended
	}
}
