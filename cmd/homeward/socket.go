package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

const socketFile = "homeward.sock"

// localSocket is the command line's way in: a unix socket that only the owner
// of the state directory can open.
type localSocket struct {
	listener net.Listener
	server   *http.Server
}

// openSocket listens at path. The state directory's lock is ours, so a socket
// that is there already is a dead one.
func openSocket(path string, h http.Handler) (*localSocket, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("removing the old socket %s: %w", path, err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("opening the socket %s for the command line: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil { // the directory is 0700 already
		l.Close()
		return nil, fmt.Errorf("protecting the socket %s: %w", path, err)
	}
	return &localSocket{l, &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}}, nil
}

// Run serves until ctx ends.
func (s *localSocket) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if s.server.Shutdown(bound) != nil {
			s.server.Close()
		}
	})
	defer stop()
	if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the command line: %w", err)
	}
	return nil
}
