// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package conformance

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Entry is one thing in an account.
type Entry struct {
	Party  string `json:"party"`            // vendor, customer, or a need
	Kind   string `json:"kind"`             // a key of the table removers
	Region string `json:"region,omitempty"` // empty: IAM's
	Name   string `json:"name"`
	Gone   bool   `json:"gone,omitempty"` // it was deleted
}

// Ledger lists what a run creates, in a file with one JSON object a line. An entry
// is on disk before the thing is created.
type Ledger struct {
	mu      sync.Mutex
	file    *os.File
	entries []Entry
}

// LedgerFile returns the name of a run's ledger in a folder.
func LedgerFile(folder, run string) string { return filepath.Join(folder, run+".ledger") }

// OpenLedger opens a run's ledger in a folder, which is created if need be.
func OpenLedger(folder, run string) (*Ledger, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("keep the ledger: %w", err)
	}
	name := LedgerFile(folder, run)
	l := &Ledger{}
	text, err := os.Open(name)
	switch {
	case err == nil:
		lines := bufio.NewScanner(text)
		for lines.Scan() {
			var e Entry
			if json.Unmarshal(lines.Bytes(), &e) == nil { // the last line of a killed run may be cut off
				l.apply(e)
			}
		}
		err = errors.Join(lines.Err(), text.Close())
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the ledger %s: %w", name, err)
	}
	if l.file, err = os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return nil, fmt.Errorf("keep the ledger: %w", err)
	}
	if info, err := l.file.Stat(); err == nil && info.Size() > 0 {
		_, _ = l.file.WriteString("\n") // ends a line that was cut off
	}
	return l, nil
}

// Runs returns the runs that have a ledger with something left in a folder.
func Runs(folder string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.ledger"))
	if err != nil {
		return nil, err
	}
	var runs []string
	for _, file := range files {
		run := filepath.Base(file[:len(file)-len(".ledger")])
		l, err := OpenLedger(folder, run)
		if err != nil {
			return nil, err
		}
		if len(l.Left()) > 0 {
			runs = append(runs, run)
		}
		if err := l.Close(); err != nil {
			return nil, err
		}
	}
	return runs, nil
}

func (l *Ledger) apply(e Entry) {
	key := e
	key.Gone = false
	l.entries = slices.DeleteFunc(l.entries, func(other Entry) bool { return other == key })
	if !e.Gone {
		l.entries = append(l.entries, e)
	}
}

// Write notes an entry, and returns when it is on disk.
func (l *Ledger) Write(e Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	line, err := json.Marshal(e)
	if err == nil {
		_, err = l.file.Write(append(line, '\n'))
	}
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("note %s %s in the ledger: %w", e.Kind, e.Name, err)
	}
	l.apply(e)
	return nil
}

// Left returns what was not deleted yet, newest first.
func (l *Ledger) Left() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := slices.Clone(l.entries)
	slices.Reverse(left)
	return left
}

// Close closes the file.
func (l *Ledger) Close() error { return l.file.Close() }
