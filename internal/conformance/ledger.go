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

// Entry is one resource in an account.
type Entry struct {
	Party  string `json:"party"`            // vendor, customer, or a need
	Kind   string `json:"kind"`             // a key of the table removers
	Region string `json:"region,omitempty"` // empty: global, for IAM
	Name   string `json:"name"`
	Gone   bool   `json:"gone,omitempty"` // it was deleted
}

// Ledger lists the resources that a run creates, in a file with one JSON object per
// line. The entry is on disk before the resource is created.
type Ledger struct {
	mu      sync.Mutex
	file    *os.File
	entries []Entry
}

// LedgerFile returns the path of a run's ledger in a folder.
func LedgerFile(folder, run string) string { return filepath.Join(folder, run+".ledger") }

// OpenLedger opens a run's ledger in a folder. It creates the folder if necessary.
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

// Runs returns the runs in a folder whose ledgers contain resources that were not
// deleted.
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

// Write writes an entry, and returns when it is on disk.
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

// Left returns the resources that were not deleted yet, the newest first.
func (l *Ledger) Left() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := slices.Clone(l.entries)
	slices.Reverse(left)
	return left
}

// Close closes the file.
func (l *Ledger) Close() error { return l.file.Close() }
