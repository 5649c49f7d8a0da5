// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package leastpolicy_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/iampolicy"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox"
)

// witness records which permissions a principal used, and the errors in its registrar's log.
type witness struct {
	// waitCtx ends when the principal's policy has refused something, because waiting is pointless then.
	waitCtx     context.Context
	stopWaiting context.CancelFunc

	mu    sync.Mutex
	asked []sandbox.Decision
	said  []string // every error in the log
	found []error  // errors of level warning or above
}

func watch(t *testing.T, box *sandbox.Sandbox, principal string) *witness {
	w := &witness{}
	w.waitCtx, w.stopWaiting = context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(w.stopWaiting)
	t.Cleanup(box.WatchDecisions(func(d sandbox.Decision) {
		if d.Principal == principal {
			w.see(d)
		}
	}))
	return w
}

func (w *witness) see(d sandbox.Decision) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, d)
	if d.ByIdentity && d.Action == "sts:AssumeRole" {
		// The registrar does not log this, because a refusal looks like the customer's.
		w.stopWaiting()
	}
}

// refusals returns what the principal's own policy refused, without duplicates.
func (w *witness) refusals() []string { return w.refusedAfter("") }

// refusedAfter returns the same, from the first call of an action on. Before the table exists, a read of
// it is refused under the right policy as well, and the registry uses DescribeTable (aws-facts 13.11).
func (w *witness) refusedAfter(action string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var refused []string
	begun := action == ""
	for _, d := range w.asked {
		begun = begun || d.Action == action
		if begun && d.ByIdentity {
			refused = append(refused, d.Action+" on "+d.Resource)
		}
	}
	slices.Sort(refused)
	return slices.Compact(refused)
}

// unused returns the pairs of action and resource of a policy that no call needed.
func (w *witness) unused(policy iampolicy.Document) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var unused []string
	for _, s := range policy.Statements {
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				used := slices.ContainsFunc(w.asked, func(d sandbox.Decision) bool {
					return d.Action == action && d.Denied == "" && like(resource, d.Resource)
				})
				if !used {
					unused = append(unused, fmt.Sprintf("%s: %s on %s", s.Sid, action, resource))
				}
			}
		}
	}
	return unused
}

// like matches the wildcards that the policies have: question marks, and a star at the end of a part.
func like(pattern, arn string) bool {
	p, a := strings.Split(pattern, ":"), strings.Split(arn, ":")
	if len(p) != len(a) {
		return false
	}
	for i := range p {
		if prefix, open := strings.CutSuffix(p[i], "*"); open {
			p[i], a[i] = prefix, a[i][:min(len(prefix), len(a[i]))]
		}
		if len(p[i]) != len(a[i]) {
			return false
		}
		for k := range len(p[i]) {
			if p[i][k] != '?' && p[i][k] != a[i][k] {
				return false
			}
		}
	}
	return true
}

var _ slog.Handler = (*witness)(nil)

// Enabled implements slog.Handler.
func (w *witness) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (w *witness) Handle(_ context.Context, line slog.Record) error {
	line.Attrs(func(a slog.Attr) bool {
		// The reason of a dead letter is logged as "reason", and is not an error.
		if err, ok := a.Value.Any().(error); ok && a.Key == "error" && !errors.Is(err, context.Canceled) {
			w.hear(line.Level, fmt.Errorf("%s: %w", line.Message, err))
		}
		return true
	})
	return nil
}

func (w *witness) hear(level slog.Level, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, err.Error())
	if level >= slog.LevelWarn {
		w.found = append(w.found, err)
		if awsclient.IsAccessDenied(err) {
			w.stopWaiting()
		}
	}
}

// WithAttrs implements slog.Handler.
func (w *witness) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup implements slog.Handler.
func (w *witness) WithGroup(string) slog.Handler { return w }

// warnings returns the logged errors of level warning or above.
func (w *witness) warnings() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(w.found...)
}

// everything returns the texts of all logged errors.
func (w *witness) everything() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.said, "\n")
}
