package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"homeward/cmd/homeward/internal/running"
	"homeward/web/api"
)

// noted are interfaces that run, by what keeps them from being read.
type noted map[string]error

func (n noted) List(context.Context) ([]running.Interface, error) {
	return []running.Interface{
		{Name: "wg0", Kind: running.Kernel, Port: 51820, Devices: 3},
		{Name: "wg1", Kind: running.Program, Err: running.ErrNotAllowed},
	}, errors.New("looking for the sockets of programs: permission denied")
}

func (n noted) Conf(_ context.Context, name string) ([]byte, error) {
	return []byte("[Interface]\n"), n[name]
}

func TestInterfacesThatRunAreToldWithWhatToDoAboutThem(t *testing.T) {
	i := &importer{runs: noted{"wg1": running.ErrNotAllowed, "gone": running.ErrNone, "hangs": running.ErrSilent, "odd": errors.New("odd")}}
	all := i.Interfaces(t.Context())
	want := []api.RunningInterface{
		{Name: "wg0", Kind: api.InterfaceKernel, Port: 51820, Devices: 3, Readable: true},
		{Name: "wg1", Kind: api.InterfaceUserspace, Problem: "reading this interface needs rights that homeward does not have: on this machine, run sudo homeward import wg1, or send its file", Command: "sudo homeward import wg1"},
	}
	if !slices.Equal(all.Interfaces, want) || !strings.Contains(all.Problem, "permission denied") {
		t.Errorf("%+v", all)
	}
	if files, err := i.ReadInterface(t.Context(), "wg0"); err != nil || string(files["wg0.conf"]) != "[Interface]\n" {
		t.Errorf("%v, %v", files, err)
	}
	for name, tt := range map[string]struct {
		status int
		says   string
	}{
		"wg1":   {http.StatusConflict, "sudo homeward import wg1, or send its file"},
		"gone":  {http.StatusNotFound, "the interface gone"},
		"hangs": {http.StatusConflict, "does not answer: send its file instead"},
		"odd":   {http.StatusConflict, "cannot be read: send its file instead (odd)"},
	} {
		files, err := i.ReadInterface(t.Context(), name)
		var failure *api.Failure
		if !errors.As(err, &failure) || files != nil || failure.Status != tt.status || failure.Field != "interface" || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, %v", name, files, err)
		}
	}
}
