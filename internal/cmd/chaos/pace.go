// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// pace keeps the sandbox's clock as fast as the machine allows, until stop is called.
// CloudFormation's timeouts are by that clock, so on a busy machine the registrars
// would seem too slow. Therefore the clock slows down while more than a few requests
// wait for longer than their delivery and one try take.
func (w *world) pace() (stop func()) {
	const (
		few, many = 25, 60
		slowest   = 0.5
		aTry      = 30 * time.Second
	)
	rate := w.rate / 2
	w.box.Clock().SetRate(rate)
	return every(200*time.Millisecond, func() {
		next := rate
		switch overdue := w.witness.overdue(w.delay + aTry); {
		case overdue > many:
			next = max(slowest, rate*0.85)
		case overdue < few:
			next = min(w.rate, rate*1.05)
		}
		if next != rate {
			rate = next
			w.box.Clock().SetRate(rate)
		}
	})
}

func (w *world) troubled() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.faulty)
}

// printProgress prints the progress every 15 seconds, until stop is called.
func (w *world) printProgress(out io.Writer, started time.Time, f *fleet) (stop func()) {
	return every(15*time.Second, func() {
		asked, answered := w.witness.count()
		fmt.Fprintf(out, "%4.0f s  clock x%-4.1f %5d stacks launched, %5d of %5d requests answered, %2d kills, %d customers in trouble\n",
			time.Since(started).Seconds(), w.box.Clock().Pace().Rate, w.launched.Load(), answered, asked, f.kills.Load(), w.troubled())
	})
}

// every repeats a function, by the machine's clock, until stopped.
func every(interval time.Duration, do func()) (stop func()) {
	done := make(chan struct{})
	var doing sync.WaitGroup
	doing.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				do()
			}
		}
	})
	return func() { close(done); doing.Wait() }
}
