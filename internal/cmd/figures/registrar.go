// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/e2e"
	"github.com/xacct/terraform-provider-xacct/internal/registrar"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/snscert"
)

// atOnce is the number of messages that the registrar and the bare loop handle at
// once.
const atOnce = 16

// launches are customers that have launched their stacks before a registrar runs: the
// queue holds one phone-home of each.
type launches struct {
	*e2e.World
	n      int
	stacks []string
	roles  []*e2e.Customer
}

// registrarFigures measures how fast a registrar connects customers, beside a bare
// loop over the SDK that makes the same calls, with and without latency.
func registrarFigures(ctx context.Context, n int) ([]figure, error) {
	var rows []figure
	for _, latency := range []time.Duration{20 * time.Millisecond, 0} {
		ours, calls, spent, err := registrarSpeed(ctx, n, latency)
		if err != nil {
			return nil, err
		}
		bare, least, err := bareSpeed(ctx, n, latency)
		if err != nil {
			return nil, err
		}
		at := fmt.Sprintf("registrar, %d launches at once, %d ms a call, %d at once", n, latency.Milliseconds(), atOnce)
		wanted := "≥ 100"
		if latency > 0 {
			wanted = "≥ 50, and ≥ 0.8 of the reference"
		}
		rows = append(rows,
			figure{what: at, value: ours, unit: "a second", reference: bare, of: "bare loop over the SDK", wanted: wanted},
			figure{what: "CPU per phone-home, with the sandbox's, the same", value: spent, unit: "ms", reference: least, of: "bare loop over the SDK", wanted: "≤ 20: two cores for 100 a second"},
			figure{what: "AWS calls per phone-home (Create), the same", value: calls, unit: "calls", limit: 9, count: true})
	}
	return rows, nil
}

// registrarSpeed returns the customers that a registrar connects per second, the
// calls that it makes for each, and the CPU time in milliseconds that registrar and
// sandbox take for each.
func registrarSpeed(ctx context.Context, n int, latency time.Duration) (speed, calls, spent float64, err error) {
	err = play(ctx, func(s *stage) error {
		l := launched(s, n)
		l.Faults().Add(kernel.FaultRule{Kind: kernel.FaultLatency, Probability: 1, Delay: latency})
		root, err := l.SigningCA()
		if err != nil {
			return err
		}
		verifier, err := snscert.New(snscert.Config{Endpoint: l.URL(), Bundle: root, Clock: l.Now})
		if err != nil {
			return err
		}
		var connected atomic.Int64
		all := make(chan struct{})
		clients := l.ClientsOf(sandbox.VendorAccount, l.URL())
		running, err := registrar.Open(clients, registry.New(clients.DynamoDB(), e2e.Hub, l.Now), l.Record, registrar.Config{
			Clock: l.Now, Verifier: verifier, Logger: slog.New(slog.DiscardHandler), Concurrency: atOnce,
			OnCommit: func(string) {
				if connected.Add(1) == int64(n) {
					close(all)
				}
			},
		})
		if err != nil {
			return err
		}
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		mark, begun, before, ended := l.Journal().Mark(), time.Now(), cpuOf(os.Getpid()), make(chan error, 1)
		err = profiled(fmt.Sprintf("registrar-%dms", latency.Milliseconds()), func() error {
			go func() { ended <- running.Run(ctx) }()
			select {
			case <-all:
				return nil
			case err := <-ended:
				return errors.Join(errors.New("the registrar ended"), err)
			case <-time.After(10 * time.Minute):
				return fmt.Errorf("%d of %d customers are connected after ten minutes", connected.Load(), n)
			}
		})
		if err != nil {
			return err
		}
		took := time.Since(begun)
		spent = (cpuOf(os.Getpid()) - before) / float64(n)
		l.Faults().Clear()
		stop()
		if err := <-ended; err != nil {
			return err
		}
		speed, calls = float64(n)/took.Seconds(), float64(printCalls("registrar", l.Journal().Since(mark), n))/float64(n)
		return nil
	})
	return speed, calls, spent, err
}

// launched returns n customers that have launched their stacks.
func launched(s *stage, n int) *launches {
	l := &launches{World: e2e.New(s), n: n}
	for i := range n {
		id := e2e.AccountID(i)
		l.Must(l.OpenAccount(id, "aws"))
		c := l.Invite(fmt.Sprintf("customer-%d", i), id)
		l.roles = append(l.roles, c)
		l.stacks = append(l.stacks, c.Launch(e2e.Frankfurt, sandbox.LaunchOptions{}))
	}
	return l
}

// stage implements e2e.T outside go test.
type stage struct {
	ctx      context.Context
	cleanups []func()
}

// failure is the panic with which Errorf and Fatalf end a function that play runs.
type failure struct{ error }

func (s *stage) Helper()                  {}
func (s *stage) Context() context.Context { return s.ctx }
func (s *stage) Cleanup(f func())         { s.cleanups = append(s.cleanups, f) }

func (s *stage) Errorf(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }
func (s *stage) Fatalf(format string, args ...any) { s.Errorf(format, args...) }

// play runs a function with a stage and then the cleanups. It returns the function's
// error, or the one that Errorf or Fatalf was called with.
func play(ctx context.Context, run func(*stage) error) (err error) {
	s := &stage{ctx: ctx}
	defer func() {
		for i := range s.cleanups {
			s.cleanups[len(s.cleanups)-1-i]()
		}
		switch cause := recover().(type) {
		case nil:
		case failure:
			err = cause.error
		default:
			panic(cause)
		}
	}()
	return run(s)
}
