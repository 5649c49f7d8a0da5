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

// call is one AWS call of an act: the n-th of its kind. The calls of one kind
// keep their order from run to run; those of different kinds may not, because
// the provider makes some in parallel.
type call struct {
	act  string
	kind string // "sns CreateTopic eu-west-1"
	nth  int
}

func (c call) String() string { return fmt.Sprintf("%s: %s #%d", c.act, c.kind, c.nth) }

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

// moments holds the moments to crash at. Calls that only read skip the outage,
// because it loses nothing that the next call's would not lose.
func (c call) moments() []moment {
	_, rest, _ := strings.Cut(c.kind, " ")
	for _, reads := range []string{"Get", "List", "Head", "Describe", "Query", "BatchGet", "TransactGet"} {
		if strings.HasPrefix(rest, reads) {
			return []moment{before, after}
		}
	}
	if c.act == "change" {
		return moments
	}
	return []moment{before, after, outage}
}

// point is one place to crash at.
type point struct {
	call
	at moment
}

func (p point) String() string { return p.call.String() + ", " + string(p.at) }

// errDead is the answer to a call of a killed provider.
var errDead = errors.New("the caller was killed")

// trap watches the calls that come in over HTTP during one run of the engine,
// and springs at one of them.
type trap struct {
	mu     sync.Mutex
	act    string
	at     *point       // nil: only watch
	spring func() error // kills the provider
	calls  []call
	seen   map[string]int
	sprung bool
	err    error // of the spring
}

// set sets the trap until the returned function is called.
func (t *trap) set(box *sandbox.Sandbox) (lift func()) {
	t.seen = map[string]int{}
	numbers := sync.Map{} // of calls under way, by request ID
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
	this := call{act: t.act, kind: kind, nth: t.seen[kind]}
	t.calls = append(t.calls, this)
	return this
}

func (t *trap) check(here point) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.at == nil || *t.at != here || t.sprung {
		return nil
	}
	t.sprung = true
	if t.err = t.spring(); t.err != nil {
		return t.err
	}
	return errDead
}
