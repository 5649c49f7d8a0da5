// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// call is one AWS call of a step: the n-th of its kind. The calls of one kind
// keep their order from run to run; those of different kinds may not, because
// the provider makes some in parallel.
type call struct {
	step string
	kind string // "sns CreateTopic eu-west-1"
	nth  int
}

func (c call) String() string { return fmt.Sprintf("%s: %s #%d", c.step, c.kind, c.nth) }

// moment is the point within a call at which the crash happens, and which
// processes it ends.
type moment string

const (
	before moment = "before"      // AWS never receives the call
	after  moment = "after"       // AWS executes it, but the provider never learns
	outage moment = "engine, too" // after it, and the engine is killed as well: unsaved state is lost
	giveUp moment = "given up"    // after it, and then the configuration is destroyed instead of applied again
)

var moments = []moment{before, after, outage, giveUp}

// moments returns the moments at which to crash the provider. Calls that only read
// have no outage: the outage at the next call loses the same state.
func (c call) moments() []moment {
	_, rest, _ := strings.Cut(c.kind, " ")
	for _, reads := range []string{"Get", "List", "Head", "Describe", "Query", "BatchGet", "TransactGet"} {
		if strings.HasPrefix(rest, reads) {
			return []moment{before, after}
		}
	}
	if c.step == "change" {
		return moments
	}
	return []moment{before, after, outage}
}

// point is a call and the moment in it at which to crash.
type point struct {
	call
	at moment
}

func (p point) String() string { return p.call.String() + ", " + string(p.at) }

// errDead is the answer to a call of a killed provider.
var errDead = errors.New("the caller was killed")

// trap records the calls that arrive over HTTP during one run of the engine, and
// kills the provider at one of them.
type trap struct {
	mu        sync.Mutex
	step      string
	at        *point       // nil: only record
	trigger   func() error // kills the provider
	calls     []call
	seen      map[string]int
	triggered bool
	err       error // of the trigger
}

// set sets the trap until the returned function is called.
func (t *trap) set(box *sandbox.Sandbox) (lift func()) {
	t.seen = map[string]int{}
	numbers := sync.Map{} // calls in flight, by request ID
	liftBefore := box.Faults().Before(func(c *kernel.Call) error {
		if c.Request.RemoteAddr == "" {
			return nil // from inside the sandbox: CloudFormation, or SNS
		}
		this := t.note(c)
		numbers.Store(c.RequestID, this)
		return t.check(point{this, before})
	})
	liftAfter := box.Faults().After(func(c *kernel.Call) error {
		this, mine := numbers.LoadAndDelete(c.RequestID)
		if !mine {
			return nil
		}
		return errors.Join(t.check(point{this.(call), after}), t.check(point{this.(call), outage}), t.check(point{this.(call), giveUp}))
	})
	return func() { liftBefore(); liftAfter() }
}

func (t *trap) note(c *kernel.Call) call {
	t.mu.Lock()
	defer t.mu.Unlock()
	kind := c.Service + " " + c.Action + " " + c.Region
	t.seen[kind]++
	this := call{step: t.step, kind: kind, nth: t.seen[kind]}
	t.calls = append(t.calls, this)
	return this
}

func (t *trap) check(here point) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.at == nil || *t.at != here || t.triggered {
		return nil
	}
	t.triggered = true
	if t.err = t.trigger(); t.err != nil {
		return t.err
	}
	return errDead
}
