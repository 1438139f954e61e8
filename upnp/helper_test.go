package upnp

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
)

// helperEnv makes the test binary run a mapper instead of tests: so it can run
// inside a network namespace, and be killed.
const helperEnv = "HOMEWARD_UPNP_TEST_HELPER"

// helperOnly makes the helper speak one protocol, by its name.
const helperOnly = "HOMEWARD_UPNP_TEST_ONLY"

// helperSecond lets the helper ask a second router.
const helperSecond = "HOMEWARD_UPNP_TEST_SECOND"

// helperElsewhere names a file with the port that was gone to; with it the helper may.
const helperElsewhere = "HOMEWARD_UPNP_TEST_ELSEWHERE"

// helperLease is asked for instead of an hour.
const helperLease = "HOMEWARD_UPNP_TEST_LEASE"

// fileOfPort is an Elsewhere that is kept in a file.
type fileOfPort string

func (f fileOfPort) Port() uint16 {
	b, _ := os.ReadFile(string(f))
	n, _ := strconv.ParseUint(string(b), 10, 16)
	return uint16(n)
}

func (fileOfPort) Promised() bool { return false }

func (fileOfPort) Try(context.Context, uint16) error { return nil }

func (f fileOfPort) Settle(_ context.Context, port uint16) error {
	return os.WriteFile(string(f), []byte(strconv.Itoa(int(port))), 0o600)
}

// helperFrom makes the helper announce a restarted router from this address instead.
const helperFrom = "HOMEWARD_UPNP_TEST_ANNOUNCE_FROM"

// announceOnce sends the announcement of a NAT-PMP router (RFC 6886 section 3.2.1).
func announceOnce(from string) int {
	conn, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.ParseIP(from), Port: 5351}, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 1), Port: announcePort})
	if err == nil {
		defer conn.Close()
		err = ipv4MulticastFrom(conn, "lan0")
	}
	if err == nil {
		_, err = conn.Write([]byte("\x00\x80\x00\x00\x00\x00\x00\x01\x51\x02\x45\x02"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func ipv4MulticastFrom(conn *net.UDPConn, name string) error {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	return ipv4.NewPacketConn(conn).SetMulticastInterface(link)
}

// helper maps until it gets SIGTERM, and prints each status as a line of JSON.
func helper() int {
	if from := os.Getenv(helperFrom); from != "" {
		return announceOnce(from)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var elsewhere Elsewhere
	if file := os.Getenv(helperElsewhere); file != "" {
		elsewhere = fileOfPort(file)
	}
	lease, _ := time.ParseDuration(os.Getenv(helperLease))
	m, err := New(Config{Lease: lease, Elsewhere: elsewhere, SecondRouter: os.Getenv(helperSecond) != "", Port: testPort, Description: testDesc, Secret: testSecret,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if only := os.Getenv(helperOnly); only != "" {
		other := func(p protocol) bool { return p.name() != only }
		m.protocols = slices.DeleteFunc(m.protocols, other)
		m.six.protocols = slices.DeleteFunc(m.six.protocols, other)
		if m.second != nil {
			m.second.protocols = slices.DeleteFunc(m.second.protocols, other)
		}
	}
	ended := make(chan struct{})
	go func() { defer close(ended); m.Run(ctx) }()
	out := bufio.NewWriter(os.Stdout)
	for {
		select {
		case <-ended:
			return 0
		case <-m.Changed():
			if err := json.NewEncoder(out).Encode(m.Status()); err != nil {
				return 1
			}
			out.Flush()
		}
	}
}
