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

// Retained lists the parts that remain after a hub was deleted.
type Retained struct {
	// Bucket is the name of an emptied bucket that blocks all public access. It is kept
	// to reserve its name: old links of customers would lead to the template of a
	// stranger who created a bucket of that name. Bucket is "" if the bucket was
	// deleted.
	Bucket string
}

// Delete deletes the hub, and returns the parts that had to be kept. If a
// CloudFormation stack created the hub's parts, Delete only closes the hub to links,
// and returns *StackError: the parts are deleted with their stack. Unless forced, it
// refuses with *LiveError while customers have live stacks or open links, and with
// *BusyError while messages wait in the queue. The table with the hub's record is
// deleted last, so that an interrupted Delete can be repeated until all parts are
// deleted.
func (h *Manager) Delete(ctx context.Context, force bool) (Retained, error) {
	return h.delete(ctx, deletion{force: force, check: func(registry.HubRecord) error { return nil }})
}

// DeleteRequest is the request of a Terraform state to delete its hub.
type DeleteRequest struct {
	Incarnation string // ID of the incarnation in the state
	Force       bool
	// TakeoverWait is how long a hub that customers use is watched for a takeover
	// before the deletion is refused, or carried out if forced: Terraform may destroy
	// one address of the hub while it creates another.
	TakeoverWait time.Duration
	// PlannedAt is when the deletion was planned; zero if unknown.
	PlannedAt time.Time
}

// DeleteIncarnation is Delete for a Terraform state that has an incarnation of the hub.
// If the hub's record has a different one, another state, or another address in this
// one, has created or taken over the hub: nothing is deleted, and the error is
// *OtherIncarnationError. If a takeover was announced since the deletion was planned,
// the error is *AnnouncedError.
func (h *Manager) DeleteIncarnation(ctx context.Context, d DeleteRequest) (Retained, error) {
	return h.delete(ctx, deletion{force: d.Force, takeoverWait: d.TakeoverWait, check: func(record registry.HubRecord) error {
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

// Announce records that a plan creates the hub at another address, after the same plan
// deletes it at its present address. Terraform passes a deletion only values that were
// known when it was planned, and may destroy before it creates. A deletion that was
// planned before the announcement does not delete the hub.
func (h *Manager) Announce(ctx context.Context) error {
	record, err := h.registry.Hub(ctx)
	if err != nil {
		return h.explainRegistry(err)
	}
	record.AnnouncedAt = h.now().UTC()
	_, err = h.registry.UpdateHub(ctx, record)
	return h.explainRegistry(err)
}

// deletion contains the options of a deletion.
type deletion struct {
	force        bool
	takeoverWait time.Duration // 0: the hub is not watched
	check        func(registry.HubRecord) error
}

// OtherIncarnationError indicates that the hub is not the incarnation that was to be
// deleted.
type OtherIncarnationError struct {
	Hub         string
	Incarnation onboarding.Incarnation // of the existing hub
}

func (e *OtherIncarnationError) Error() string {
	return fmt.Sprintf("hub %s was created or taken over by another Terraform state at %s", e.Hub, e.Incarnation.Since.UTC().Format(time.RFC3339))
}

func (h *Manager) delete(ctx context.Context, d deletion) (Retained, error) {
	if err := h.migrate(ctx); err != nil {
		return Retained{}, err
	}
	record, err := h.markDeleting(ctx, d)
	if errors.Is(err, registry.ErrNoHub) {
		return Retained{}, nil
	}
	if err != nil {
		return Retained{}, err
	}
	if record.FromStack {
		return Retained{}, &StackError{h.name}
	}
	regions := sortRegions(append(slices.Clone(record.Regions), record.Retiring...))
	if err := h.deleteTopics(ctx, h.topics(regions, max(record.Shards, record.CreatingShards))); err != nil {
		return Retained{}, err
	}
	if err := h.refuseBusy(ctx, record, d.force); err != nil { // messages that arrived before the topics were deleted
		return Retained{}, err
	}
	for _, name := range []string{QueueName(h.name), DeadLetterQueueName(h.name)} {
		if err := h.deleteQueue(ctx, name); err != nil {
			return Retained{}, err
		}
	}
	var remains Retained
	if remains.Bucket, err = h.deleteBucket(ctx, record); err != nil {
		return Retained{}, err
	}
	return remains, h.clients.Explain(h.registry.DeleteTable(ctx), h.tableARN())
}

// markDeleting records that the hub is being deleted, if the checks of the deletion
// allow it. A concurrent takeover writes the same record: the second of the two writes
// fails, and is tried again after the checks.
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
		if d.takeoverWait > 0 && used.inUse() {
			if err := h.watch(ctx, d); err != nil {
				return record, err
			}
			d.takeoverWait = 0
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

// usedBy returns the live stacks and open links of customers as *LiveError, which is
// empty if there are none.
func (h *Manager) usedBy(ctx context.Context) (*LiveError, error) {
	customers, err := h.registry.Customers(ctx)
	if err != nil {
		return nil, h.clients.Explain(err, h.tableARN())
	}
	return &LiveError{Hub: h.name, Stacks: LiveStacks(customers), Links: OpenLinks(customers)}, nil
}

func (e *LiveError) inUse() bool { return len(e.Stacks)+len(e.Links) > 0 }

// watch checks the hub repeatedly for the duration d.takeoverWait. It returns the first
// error of d.check, or nil if there was none.
func (h *Manager) watch(ctx context.Context, d deletion) error {
	const pause = 200 * time.Millisecond
	for waited := time.Duration(0); waited < d.takeoverWait; waited += pause {
		if err := h.sleep(ctx, pause); err != nil {
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

// OpenLinks returns the sorted IDs of the customers whose links are open.
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

// deletionTimeout is how long Create waits for a deletion. A deletion takes seconds,
// unless it was interrupted: then the configuration that began it has to finish it.
const deletionTimeout = 3 * time.Minute

// waitDeleted waits while the hub is being deleted, for at most deletionTimeout.
func (h *Manager) waitDeleted(ctx context.Context) error {
	// A least-privilege policy refuses reads of a table that doesn't exist (aws-facts
	// 13.11), and the creation of a hub should not begin with a denied request in the
	// vendor's CloudTrail.
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
		case waited >= deletionTimeout:
			return fmt.Errorf("hub %s is being deleted, and the deletion has not finished within %s: it was interrupted. Repeat the destroy", h.name, deletionTimeout)
		}
		if err := h.sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// TakeOver writes the incarnation of a specification to an existing hub that matches
// it, so that the state that had the hub before can't delete it any more, and restores
// missing parts. The caller compares the specification with the record that it read; if
// the record has changed since, the error is registry.ErrConflict.
func (h *Manager) TakeOver(ctx context.Context, existing registry.HubRecord, spec Spec) (State, error) {
	existing.Incarnation, existing.AnnouncedAt = spec.Incarnation, time.Time{}
	if _, err := h.registry.UpdateHub(ctx, existing); err != nil {
		return State{}, h.explainRegistry(err)
	}
	return h.Update(ctx, spec)
}
