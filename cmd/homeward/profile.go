//go:build profile && linux

package main

import (
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
)

// scripts/bench builds with the tag "profile": SIGUSR1 begins a CPU profile,
// SIGUSR2 ends it and writes the heap's. No release has this.
func init() {
	path := os.Getenv("HOMEWARD_PROFILE")
	if path == "" {
		return
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		for s := range signals {
			if s == syscall.SIGUSR1 {
				begin(path + ".cpu")
				continue
			}
			pprof.StopCPUProfile()
			if f, err := os.Create(path + ".heap"); err == nil {
				_ = pprof.WriteHeapProfile(f)
				f.Close()
			}
		}
	}()
}

func begin(path string) {
	if f, err := os.Create(path); err == nil {
		_ = pprof.StartCPUProfile(f)
	}
}
