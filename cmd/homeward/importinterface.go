package main

import (
	"context"
	"errors"
	"fmt"

	"homeward/cmd/homeward/internal/running"
)

// gatherInterface reads an interface that runs, in the kernel or in a program.
func gatherInterface(ctx context.Context, name string) (map[string][]byte, error) {
	conf, err := running.New("").Conf(ctx, name)
	switch {
	case errors.Is(err, running.ErrNotAllowed):
		return nil, fmt.Errorf("there is no file %s here, and to read an interface needs the rights of root: run sudo homeward import %s", name, name)
	case err != nil:
		return nil, fmt.Errorf("there is no file %s here, and as an interface: %w", name, err)
	}
	return confFile(name, conf), nil
}

// confFile is an interface's text as a file of a server.
func confFile(name string, conf []byte) map[string][]byte {
	return map[string][]byte{name + ".conf": conf}
}
