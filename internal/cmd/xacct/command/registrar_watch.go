// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const defaultListen = "127.0.0.1:9464"

// listenAddress is the address of the registrar's metrics and health; empty:
// off.
type listenAddress struct {
	address  string
	explicit bool // set by a flag: then an address in use is an error
}

func (l *listenAddress) String() string { return l.address }
func (*listenAddress) Type() string     { return "address" }

// Set parses host:port or off.
func (l *listenAddress) Set(address string) error {
	l.explicit = true
	if address == "off" || address == "" {
		l.address = ""
		return nil
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("%q is not host:port, such as %s, or off", address, defaultListen)
	}
	l.address = address
	return nil
}

// watchServer serves metrics and health. Without a server it does nothing.
type watchServer struct {
	address string // "off" if it serves nothing
	server  *http.Server
}

// serve starts to listen. If the default address is in use, for example by
// another registrar on the same machine, it logs a warning and serves nothing.
func (l listenAddress) serve(handler http.Handler, logger *slog.Logger) (*watchServer, error) {
	if l.address == "" {
		return &watchServer{address: "off"}, nil
	}
	listener, err := net.Listen("tcp", l.address)
	if err != nil {
		if l.explicit {
			return nil, fmt.Errorf("--listen %s: %w", l.address, err)
		}
		logger.Warn("no metrics and no health page: the address is in use; set --listen to another", "address", l.address, "error", err)
		return &watchServer{address: "off"}, nil
	}
	s := &watchServer{address: listener.Addr().String(), server: &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute,
	}}
	go func() { _ = s.server.Serve(listener) }() // ends with stop
	return s, nil
}

// stop waits up to two seconds for requests in flight.
func (s *watchServer) stop() {
	if s.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = s.server.Shutdown(ctx) // remaining requests end with the process
}
