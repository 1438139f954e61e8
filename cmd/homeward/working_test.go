package main

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What takes long says so, and what is quick says nothing.
func TestLongWorkIsToldAndQuickWorkIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for took, want := range map[time.Duration]string{
			0: "", 900 * time.Millisecond: "", 2 * time.Second: "Sealing…\n", 12 * time.Second: "Sealing…..\n",
		} {
			var said strings.Builder
			failed := errors.New("the disk is full")
			if err := working(&said, "Sealing", func() error { time.Sleep(took); return failed }); !errors.Is(err, failed) {
				t.Errorf("%v: the error is %v", took, err)
			}
			if said.String() != want {
				t.Errorf("%v: said %q, want %q", took, said.String(), want)
			}
		}
	})
}
