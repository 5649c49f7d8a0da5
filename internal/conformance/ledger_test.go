// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"context"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

func TestALedgerCanBeReadAfterACrashDuringAWrite(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	l, err := OpenLedger(folder, "dies")
	if err != nil {
		t.Fatal(err)
	}
	topic, queue := Entry{Party: "vendor", Kind: "topic", Region: "us-east-1", Name: "a"}, Entry{Party: "vendor", Kind: "queue", Region: "us-east-1", Name: "b"}
	gone := topic
	gone.Gone = true
	for _, e := range []Entry{topic, queue, gone, topic} { // one that is created again is there
		if err := l.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.file.WriteString(`{"party":"vend`); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	runs, err := Runs(folder)
	if err != nil || !slices.Equal(runs, []string{"dies"}) {
		t.Errorf("the runs with something left are %v, %v", runs, err)
	}
	if l, err = OpenLedger(folder, "dies"); err != nil {
		t.Fatal(err)
	}
	if left := l.Left(); !slices.Equal(left, []Entry{topic, queue}) {
		t.Errorf("left are %+v", left)
	}
	if err := l.Write(gone); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = OpenLedger(folder, "dies"); err != nil || !slices.Equal(l.Left(), []Entry{queue}) {
		t.Errorf("left are %+v, %v", l.Left(), err)
	}
	if err := os.Remove(LedgerFile(folder, "dies")); err != nil {
		t.Fatal(err)
	}
}

// TestTheNextRunDeletesTheResourcesOfAnInterruptedOne interrupts a run while a
// stack of the customer waits for its answer.
func TestTheNextRunDeletesTheResourcesOfAnInterruptedOne(t *testing.T) {
	t.Parallel()
	box := newSandbox(t)
	config := configure(t, box)
	w := open(t, config)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	revive := box.Faults().Before(func(c *kernel.Call) error { // as if the process had been killed
		if c.Action == "DeleteStack" {
			return kernel.Errorf(http.StatusBadRequest, "Throttling", "The process was killed.")
		}
		return nil
	})
	poll := w.Config.Poll
	w.Config.Poll = func(ctx context.Context, d time.Duration) error {
		if len(box.Stacks()) > 0 {
			interrupt()
		}
		return poll(ctx, d)
	}
	checks, err := Find("1.18a", "5.3")
	if err != nil {
		t.Fatal(err)
	}
	report := Run(ctx, w, checks, "test", func(Result) {})
	if report.Count(NotTried) != 2 || len(w.Ledger.Left()) == 0 {
		t.Fatalf("%+v, and in the ledger are %v", report.Results, w.Ledger.Left())
	}
	revive()
	w = open(t, config) // another process, with the same ledger
	before, err := Leftovers(t.Context(), w)
	if err != nil || len(before) != 3 {
		t.Errorf("the resources found without the ledger should be a topic, a queue and a stack, but are %v, %v", before, err)
	}
	if err := Clean(t.Context(), w, func(Entry, error) {}); err != nil {
		t.Error(err)
	}
	if left, err := Leftovers(t.Context(), w); err != nil || len(left) > 0 || len(w.Ledger.Left()) > 0 {
		t.Errorf("left are %v, in the ledger %v, %v", left, w.Ledger.Left(), err)
	}
}
