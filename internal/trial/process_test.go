// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package trial

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// shell starts a script, and returns when it has printed "ready".
func shell(t *testing.T, script string) *Process {
	t.Helper()
	ready := make(chan struct{})
	p, err := Start(exec.Command("sh", "-c", script), func(line string) {
		if line == "ready" {
			close(ready)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	select {
	case <-ready:
	case <-p.Done():
		t.Fatalf("it ended: %s", p.Output())
	}
	return p
}

const untilTerminated = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done"

func TestAStoppedProgramEndsByItself(t *testing.T) {
	t.Parallel()
	p := shell(t, untilTerminated)
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if p.Killed() || !strings.HasSuffix(p.Output(), "bye") {
		t.Errorf("it was killed (%t), and printed %q", p.Killed(), p.Output())
	}
}

func TestAKilledProgramIsDistinguishedFromOneThatEnds(t *testing.T) {
	t.Parallel()
	p := shell(t, untilTerminated)
	p.Kill()
	if err := p.Wait(t.Context()); err == nil || !p.Killed() {
		t.Errorf("killed: %t, %v", p.Killed(), err)
	}
	p = shell(t, "echo ready; echo 'no hub' >&2; exit 3")
	err := p.Wait(t.Context())
	if err == nil || !strings.Contains(err.Error(), "exit status 3\nready\nno hub") || p.Killed() {
		t.Errorf("it ended by itself: %v", err)
	}
}

func TestOnlyTheLastLinesOfAProgramAreKept(t *testing.T) {
	t.Parallel()
	seen := 0
	p, err := Start(exec.Command("sh", "-c", "i=0; while [ $i -lt 1000 ]; do echo $i; i=$((i+1)); done; printf end"), func(string) { seen++ })
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(p.Output(), "\n")
	if seen != 1001 || len(lines) > 500 || lines[len(lines)-1] != "end" || lines[len(lines)-2] != strconv.Itoa(999) {
		t.Errorf("%d lines were seen, %d kept, the last is %q", seen, len(lines), lines[len(lines)-1])
	}
}
