package upnp

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// helperEnv makes the test binary run a mapper instead of tests: so it can run
// inside a network namespace, and be killed.
const helperEnv = "HOMEWARD_UPNP_TEST_HELPER"

// helperOnly makes the helper speak one protocol, by its name.
const helperOnly = "HOMEWARD_UPNP_TEST_ONLY"

// helper maps until it gets SIGTERM, and prints each status as a line of JSON.
func helper() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	m, err := New(Config{Port: testPort, Description: testDesc,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if only := os.Getenv(helperOnly); only != "" {
		m.protocols = slices.DeleteFunc(m.protocols, func(p protocol) bool { return p.name() != only })
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
