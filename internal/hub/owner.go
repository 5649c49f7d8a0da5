// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"errors"
	"fmt"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// A hub belongs to one of the vendor's tools. Another tool must adopt the hub before it
// may change or delete it. Within Terraform, the incarnation decides which state owns
// the hub.

// OwnedError indicates that a hub belongs to another tool of the vendor.
type OwnedError struct {
	Hub   string
	Owner onboarding.Owner
}

func (e *OwnedError) Error() string { return fmt.Sprintf("hub %s belongs to %s", e.Hub, e.Owner) }

// DiffersError indicates that a hub of the name exists and differs from the
// specification.
type DiffersError struct {
	Existing registry.HubRecord
	Field    string // Terraform name of the first argument that differs
}

func (e *DiffersError) Error() string {
	return fmt.Sprintf("hub %s already exists, and differs in %s", e.Existing.Name, e.Field)
}

// refuseOwner returns *OwnedError if the hub belongs to another tool than the
// specification's and the specification does not adopt it.
func (s Spec) refuseOwner(record registry.HubRecord) error {
	if record.Owner != s.Owner && !s.Adopt {
		return &OwnedError{record.Name, record.Owner}
	}
	return nil
}

// takeoverAttempts is how many times CreateOrTakeOver starts over after a conflict with
// another writer.
const takeoverAttempts = 5

// CreateOrTakeOver creates the hub, or takes over an existing one that matches the
// specification exactly: the hub had another address in Terraform, an earlier run was
// interrupted, or another Terraform state owns it. It returns took if it took the hub
// over. The takeover is written before anything else, because the other address may be
// destroyed at the same time. Errors are *OwnedError, *DiffersError, and those of
// Create.
func (h *Manager) CreateOrTakeOver(ctx context.Context, spec Spec) (state State, took bool, err error) {
	for range takeoverAttempts {
		var exists *registry.HubExistsError
		existing, found := h.registry.Hub(ctx)
		if found != nil || existing.State != registry.HubReady {
			if state, err = h.Create(ctx, spec); !errors.As(err, &exists) {
				return state, false, err
			}
			continue // another process created the hub first
		}
		if err := spec.refuseOwner(existing); err != nil {
			return State{}, false, err
		}
		if fields := spec.DiffersFrom(existing); len(fields) > 0 {
			return State{}, false, &DiffersError{existing, fields[0]}
		}
		if state, err = h.TakeOver(ctx, existing, spec); !errors.Is(err, registry.ErrConflict) {
			return state, err == nil, err
		}
	}
	return State{}, false, err
}

// Preview contains the changes that Put would make.
type Preview struct {
	Exists  bool
	Adopts  bool     // the hub belongs to another tool
	Changes []string // Terraform names of the arguments that differ
	Defects []Defect // defects that would be repaired
}

// HasChanges reports whether Put would change anything.
func (p Preview) HasChanges() bool {
	return !p.Exists || p.Adopts || len(p.Changes) > 0 || len(p.Defects) > 0
}

// CapacityError indicates that a hub has more customers than the specified capacity.
type CapacityError struct {
	Hub            string
	Capacity, Used int
}

func (e *CapacityError) Error() string {
	return fmt.Sprintf("hub %s has %d customers, and capacity %d is less", e.Hub, e.Used, e.Capacity)
}

// Preview returns the changes that Put would make, and changes nothing itself. Errors
// are *OwnedError, *CapacityError, *LiveError, *UnconfirmedError, *SharedTopicError,
// and errors of AWS.
func (h *Manager) Preview(ctx context.Context, spec Spec) (Preview, error) {
	if err := spec.check(); err != nil {
		return Preview{}, err
	}
	state, err := h.Read(ctx)
	if errors.Is(err, registry.ErrNoHub) {
		if err := h.CheckSharedTopics(ctx, spec.Regions); err != nil {
			return Preview{}, err
		}
		return Preview{}, h.checkEventBus(ctx, spec.EventBus)
	}
	if err != nil {
		return Preview{}, err
	}
	record := state.Record
	if record.State == registry.HubDeleting {
		return Preview{}, fmt.Errorf("hub %s is being deleted: finish deleting it first", h.name)
	}
	if err := spec.refuseOwner(record); err != nil {
		return Preview{}, err
	}
	p := Preview{Exists: true, Adopts: record.Owner != spec.Owner, Changes: spec.DiffersFrom(record), Defects: state.Defects}
	if len(p.Changes) == 0 {
		return p, nil
	}
	return p, h.refuseUse(ctx, record, spec)
}

// refuseUse returns an error if a change of the hub would break existing customers:
// *CapacityError, *LiveError, *UnconfirmedError, *SharedTopicError or *EventBusError.
func (h *Manager) refuseUse(ctx context.Context, record registry.HubRecord, spec Spec) error {
	customers, err := h.registry.Customers(ctx)
	if err != nil {
		return h.explainRegistry(err)
	}
	if used := CountInUse(customers); spec.Capacity < used {
		return &CapacityError{h.name, spec.Capacity, used}
	}
	if err := h.refuseLive(ctx, without(record.Regions, spec.Regions)); err != nil {
		return err
	}
	if err := h.refuseUnconfirmed(ctx, record, spec); err != nil {
		return err
	}
	if err := h.CheckSharedTopics(ctx, without(spec.Regions, record.PublishingRegions())); err != nil {
		return err
	}
	return h.checkEventBus(ctx, spec.EventBus)
}

// Put brings the hub in line with the specification, for an owner that keeps no state:
// it creates the hub, continues an interrupted creation, updates or repairs the hub, or
// changes nothing if it matches already. It returns the changes it made. Errors are
// those of Preview, Create and Update.
func (h *Manager) Put(ctx context.Context, spec Spec) (State, Preview, error) {
	p, err := h.Preview(ctx, spec)
	if err != nil {
		return State{}, p, err
	}
	switch {
	case !p.HasChanges():
		state, err := h.Read(ctx)
		return state, p, err
	case !p.Exists:
		state, err := h.Create(ctx, spec)
		return state, p, err
	}
	existing, err := h.registry.Hub(ctx)
	if err != nil {
		return State{}, p, h.explainRegistry(err)
	}
	switch {
	case existing.State == registry.HubCreating:
		state, err := h.Create(ctx, spec)
		return state, p, err
	case p.Adopts: // Terraform states that have the hub see the new incarnation
		state, err := h.TakeOver(ctx, existing, spec)
		return state, p, err
	}
	state, err := h.Update(ctx, spec)
	return state, p, err
}

// DeleteOwned is Delete for an owner that keeps no state. It returns *OwnedError if the
// hub belongs to another tool, unless adopt is set.
func (h *Manager) DeleteOwned(ctx context.Context, owner onboarding.Owner, adopt, force bool) (Retained, error) {
	return h.delete(ctx, deletion{force: force, check: func(record registry.HubRecord) error {
		return Spec{Owner: owner, Adopt: adopt}.refuseOwner(record)
	}})
}

// MayDelete returns the error with which DeleteOwned would refuse, and deletes nothing.
func (h *Manager) MayDelete(ctx context.Context, owner onboarding.Owner, adopt, force bool) error {
	record, err := h.registry.Hub(ctx)
	if err != nil {
		return h.explainRegistry(err)
	}
	if err := (Spec{Owner: owner, Adopt: adopt}).refuseOwner(record); err != nil {
		return err
	}
	used, err := h.usedBy(ctx)
	if err != nil {
		return err
	}
	if used.inUse() && !force {
		return used
	}
	return h.refuseBusy(ctx, record, force)
}
