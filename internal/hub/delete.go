// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// Remains are what is left of a hub that was deleted.
type Remains struct {
	// Bucket is empty and blocks all public access: it only keeps its name from
	// strangers, whose template customers' old links would lead to. Empty: it is
	// gone.
	Bucket string
}

// Delete deletes the hub, and returns what had to stay. The parts of a hub that a
// CloudFormation stack made stay with that: then the hub is closed to links, and
// the error is *StackError. While customers have live
// stacks or open links it refuses with *LiveError, and while messages wait in the
// queue with *BusyError, unless forced. The table with the hub's record goes last,
// so that a Delete that was cut short can be repeated until nothing is left.
func (h *Manager) Delete(ctx context.Context, force bool) (Remains, error) {
	return h.delete(ctx, deletion{force: force, check: func(registry.HubRecord) error { return nil }})
}

// Departure is how a Terraform state deletes a hub.
type Departure struct {
	Incarnation string // that the state holds, by its ID
	Force       bool
	// Settle is how long a hub that customers use is watched before it is refused, or
	// deleted by force: Terraform may destroy the one address while it creates the
	// other.
	Settle time.Duration
	// PlannedAt is when the deletion was planned, if that is known.
	PlannedAt time.Time
}

// DeleteIncarnation is Delete for a Terraform state that holds an incarnation of
// the hub. If there is another one by now, another state, or another address of
// this one, has created or taken over the hub: nothing is deleted, and the error is
// *OtherIncarnationError. If one is about to it is *AnnouncedError.
func (h *Manager) DeleteIncarnation(ctx context.Context, d Departure) (Remains, error) {
	return h.delete(ctx, deletion{force: d.Force, settle: d.Settle, check: func(record registry.HubRecord) error {
		switch {
		case !record.Incarnation.HeldBy(d.Incarnation):
			return &OtherIncarnationError{Hub: h.name, Incarnation: record.Incarnation}
		case !d.PlannedAt.IsZero() && !record.AnnouncedAt.Before(d.PlannedAt):
			return &AnnouncedError{Hub: h.name}
		}
		return nil
	}})
}

// AnnouncedError indicates that a hub that was to be deleted is about to be taken over
// by another address of the same Terraform configuration.
type AnnouncedError struct{ Hub string }

func (e *AnnouncedError) Error() string {
	return fmt.Sprintf("hub %s is about to be taken over by another address of the configuration", e.Hub)
}

// Announce notes in the hub's record that a plan has it at another address, after
// the same plan had it end at the one. Terraform gives a deletion only what was
// known when that was planned, and may destroy before it creates; a deletion that
// was planned before the announcement leaves the hub alone.
func (h *Manager) Announce(ctx context.Context) error {
	record, err := h.registry.Hub(ctx)
	if err != nil {
		return h.explainRegistry(err)
	}
	record.AnnouncedAt = h.now().UTC()
	_, err = h.registry.UpdateHub(ctx, record)
	return h.explainRegistry(err)
}

// deletion is how a hub is to be deleted.
type deletion struct {
	force  bool
	settle time.Duration // 0: it is not watched
	check  func(registry.HubRecord) error
}

// OtherIncarnationError indicates that a hub is not the one that was to be deleted.
type OtherIncarnationError struct {
	Hub         string
	Incarnation onboarding.Incarnation // of the existing hub
}

func (e *OtherIncarnationError) Error() string {
	return fmt.Sprintf("hub %s was created or taken over by another Terraform state at %s", e.Hub, e.Incarnation.Since.UTC().Format(time.RFC3339))
}

func (h *Manager) delete(ctx context.Context, d deletion) (Remains, error) {
	if err := h.migrate(ctx); err != nil {
		return Remains{}, err
	}
	record, err := h.markDeleting(ctx, d)
	if errors.Is(err, registry.ErrNoHub) {
		return Remains{}, nil
	}
	if err != nil {
		return Remains{}, err
	}
	if record.FromStack {
		return Remains{}, &StackError{h.name}
	}
	regions := sortRegions(append(slices.Clone(record.Regions), record.Retiring...))
	if err := h.deleteTopics(ctx, h.topics(regions, max(record.Shards, record.Making))); err != nil {
		return Remains{}, err
	}
	if err := h.refuseBusy(ctx, record, d.force); err != nil { // what came before the topics went
		return Remains{}, err
	}
	for _, name := range []string{QueueName(h.name), DeadLetterQueueName(h.name)} {
		if err := h.deleteQueue(ctx, name); err != nil {
			return Remains{}, err
		}
	}
	var remains Remains
	if remains.Bucket, err = h.deleteBucket(ctx, record); err != nil {
		return Remains{}, err
	}
	return remains, h.clients.Explain(h.registry.DeleteTable(ctx), h.tableARN())
}

// markDeleting notes in the hub's record that it is being deleted, if it may be.
// A takeover of the hub writes the same record, so one of the two comes
// second, and looks again.
func (h *Manager) markDeleting(ctx context.Context, d deletion) (registry.HubRecord, error) {
	const attempts = 5
	var err error
	for range attempts {
		var record registry.HubRecord
		if record, err = h.registry.Hub(ctx); err != nil {
			return record, h.explainRegistry(err)
		}
		if err := d.check(record); err != nil {
			return record, err
		}
		used, err := h.usedBy(ctx)
		if err != nil {
			return record, err
		}
		if d.settle > 0 && used.inUse() {
			if err := h.watch(ctx, d); err != nil {
				return record, err
			}
			d.settle = 0
			continue
		}
		if used.inUse() && !d.force {
			return record, used
		}
		if err := h.refuseBusy(ctx, record, d.force); err != nil {
			return record, err
		}
		record.State = registry.HubDeleting
		if record, err = h.registry.UpdateHub(ctx, record); !errors.Is(err, registry.ErrConflict) {
			return record, h.explainRegistry(err)
		}
	}
	return registry.HubRecord{}, h.explainRegistry(err)
}

// usedBy returns what customers use of the hub, which may be nothing.
func (h *Manager) usedBy(ctx context.Context) (*LiveError, error) {
	customers, err := h.registry.Customers(ctx)
	if err != nil {
		return nil, h.clients.Explain(err, h.tableARN())
	}
	return &LiveError{Hub: h.name, Stacks: LiveStacks(customers), Links: OpenLinks(customers)}, nil
}

func (e *LiveError) inUse() bool { return len(e.Stacks)+len(e.Links) > 0 }

// watch returns an error as soon as the hub is not the one that is to be deleted,
// and none if it still is after a while.
func (h *Manager) watch(ctx context.Context, d deletion) error {
	const pause = 200 * time.Millisecond
	for waited := time.Duration(0); waited < d.settle; waited += pause {
		if err := h.wait(ctx, pause); err != nil {
			return err
		}
		record, err := h.registry.Hub(ctx)
		if err != nil {
			return h.explainRegistry(err)
		}
		if err := d.check(record); err != nil {
			return err
		}
	}
	return nil
}

// OpenLinks returns the customers, by ID, whose links are open.
func OpenLinks(customers []onboarding.Customer) []string {
	var ids []string
	for _, c := range customers {
		if !c.Link.Closed {
			ids = append(ids, c.Link.CustomerID)
		}
	}
	slices.Sort(ids)
	return ids
}

// deletionPatience is how long a Create waits for a deletion. It takes seconds,
// unless it was cut short: then the configuration that began it has to finish it.
const deletionPatience = 3 * time.Minute

// waitDeleted waits while the hub is being deleted.
func (h *Manager) waitDeleted(ctx context.Context) error {
	// A least policy refuses reads of a table that is not there (aws-facts 13.11),
	// and a new hub is not to begin with a refusal in the vendor's trail.
	switch _, err := h.registry.TableID(ctx); {
	case awsclient.IsNotFound(err):
		return nil
	case err != nil:
		return h.explainRegistry(err)
	}
	const pause = 2 * time.Second
	for waited := time.Duration(0); ; waited += pause {
		record, err := h.registry.Hub(ctx)
		switch {
		case errors.Is(err, registry.ErrNoHub):
			return nil
		case err != nil:
			return h.explainRegistry(err)
		case record.State != registry.HubDeleting:
			return nil
		case waited >= deletionPatience:
			return fmt.Errorf("hub %s is being deleted, and that has not ended for %s: it was cut short. Repeat the destroy that was begun", h.name, deletionPatience)
		}
		if err := h.wait(ctx, pause); err != nil {
			return err
		}
	}
}

// TakeOver gives an existing hub that matches the declaration the incarnation of
// a spec, so that the state that had it before can't delete it any more, and
// restores its missing parts. The caller compares the declaration with the record as
// it was read; if that has changed since, the error is registry.ErrConflict.
func (h *Manager) TakeOver(ctx context.Context, existing registry.HubRecord, spec Spec) (State, error) {
	existing.Incarnation, existing.AnnouncedAt = spec.Incarnation, time.Time{}
	if _, err := h.registry.UpdateHub(ctx, existing); err != nil {
		return State{}, h.explainRegistry(err)
	}
	return h.Update(ctx, spec)
}
