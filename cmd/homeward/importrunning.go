package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"homeward/cmd/homeward/internal/running"
	"homeward/web/api"
)

// interfaces are those that run on this machine.
type interfaces interface {
	List(context.Context) ([]running.Interface, error)
	Conf(ctx context.Context, name string) ([]byte, error)
}

// Interfaces implements api.Importer.
func (i *importer) Interfaces(ctx context.Context) api.RunningInterfaces {
	found, err := i.runs.List(ctx)
	var all api.RunningInterfaces
	for _, f := range found {
		one := api.RunningInterface{Name: f.Name, Kind: api.InterfaceKind(f.Kind), Port: f.Port, Devices: f.Devices, Readable: f.Err == nil}
		if f.Err != nil {
			one.Problem = interfaceFailure(f.Name, f.Err).Error()
		}
		if errors.Is(f.Err, running.ErrNotAllowed) {
			one.Command = "sudo homeward import " + f.Name
		}
		all.Interfaces = append(all.Interfaces, one)
	}
	if err != nil {
		all.Problem = fmt.Sprintf("there may be more: %v", err)
	}
	return all
}

// ReadInterface implements api.Importer.
func (i *importer) ReadInterface(ctx context.Context, name string) (map[string][]byte, error) {
	conf, err := i.runs.Conf(ctx, name)
	if err != nil {
		return nil, interfaceFailure(name, err)
	}
	return confFile(name, conf), nil
}

// interfaceFailure says why an interface cannot be read, and what can be done instead.
func interfaceFailure(name string, err error) *api.Failure {
	f := &api.Failure{Status: http.StatusConflict, Field: "interface"}
	switch {
	case errors.Is(err, running.ErrNone):
		f.Status, f.Err = http.StatusNotFound, fmt.Errorf("no other WireGuard server runs on this machine as the interface %s", name)
	case errors.Is(err, running.ErrNotAllowed):
		f.Err = fmt.Errorf("reading this interface needs rights that homeward does not have: on this machine, run sudo homeward import %s, or send its file", name)
	case errors.Is(err, running.ErrSilent):
		f.Err = fmt.Errorf("the program of the interface %s does not answer: send its file instead", name)
	default:
		f.Err = fmt.Errorf("the interface %s cannot be read: send its file instead (%w)", name, err)
	}
	return f
}
