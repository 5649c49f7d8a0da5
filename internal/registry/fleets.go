// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// A fleet is one item, and the items of its customers' links name it. A process
// that writes links for a fleet has written its record before, and every
// transaction checks that it was not written since: so of two processes that change, take
// over or close a fleet, only the later one goes on.

// fleetsPartition holds all fleets of a hub, of which there are few.
const fleetsPartition = "FLEETS"

func fleetKey(name string) key { return key{fleetsPartition, "NAME#" + name} }

// ErrNoFleet indicates that the hub has definitely no fleet of a name.
var ErrNoFleet = errors.New("the hub has no fleet of this name")

// Fleet returns the fleet of a name, closed or not; ErrNoFleet if there definitely
// is none.
func (r *Registry) Fleet(ctx context.Context, name string) (onboarding.Fleet, error) {
	found, err := r.get(ctx, fleetKey(name))
	if err != nil || found == nil {
		if err == nil {
			err = ErrNoFleet
		} else if awsclient.IsNotFound(err) {
			err = fmt.Errorf("hub %s: %w", r.hub, ErrNoHub)
		}
		return onboarding.Fleet{}, fmt.Errorf("read fleet %s of hub %s: %w", name, r.hub, err)
	}
	return r.decodeFleet(found)
}

// Fleets returns all fleets of the hub, closed or not, sorted by name.
func (r *Registry) Fleets(ctx context.Context) ([]onboarding.Fleet, error) {
	var fleets []onboarding.Fleet
	err := r.query(ctx, allOf(fleetsPartition), func(i item) error {
		fleet, err := r.decodeFleet(i)
		fleets = append(fleets, fleet)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the fleets of hub %s: %w", r.hub, err)
	}
	return fleets, nil
}

func (r *Registry) decodeFleet(i item) (onboarding.Fleet, error) {
	fleet, err := decode[onboarding.Fleet](r, keyOf(i), i)
	fleet.Revision = numberOf(i, "revision")
	return fleet, err
}

// WriteFleet writes a fleet over the revision that it was read with, 0 if there was
// none, and returns it as written. If it comes to refer to a permission set that
// is not there or is retired, the error is ErrNoPermissionSet or
// ErrPermissionSetRetired.
func (r *Registry) WriteFleet(ctx context.Context, before *onboarding.Fleet, fleet onboarding.Fleet) (onboarding.Fleet, error) {
	if err := r.Migrate(ctx); err != nil {
		return onboarding.Fleet{}, err
	}
	fleet.Revision = 0
	stays := false
	if before != nil {
		fleet.Revision, stays = before.Revision, !before.Closed() && before.PermissionSet == fleet.PermissionSet
	}
	condition, values := revisionIs(fleet.Revision)
	fleet.Revision++
	written, err := encode(fleetKey(fleet.Name), fleet)
	if err != nil {
		return onboarding.Fleet{}, err
	}
	written["revision"] = number(fleet.Revision)
	writes := []types.TransactWriteItem{r.putWrite(written, condition, values)}
	if !stays && !fleet.Closed() {
		writes = append(writes, r.setExists(fleet.PermissionSet))
	}
	err = r.transact(ctx, writes)
	if stood, failed := failedItem(err, 1); failed {
		return onboarding.Fleet{}, fmt.Errorf("permission set %s: %w", fleet.PermissionSet, mayNotRefer(stood))
	}
	if stood, failed := failedItem(err, 0); failed && same(stood, written) {
		return fleet, nil // the answer to our own write was lost
	}
	if conflicts(err) {
		err = ErrConflict
	}
	if err != nil {
		return onboarding.Fleet{}, fmt.Errorf("write fleet %s of hub %s: %w", fleet.Name, r.hub, err)
	}
	return fleet, nil
}

// fleetIs checks, with writes of links, that the fleet is still as it was written.
func (r *Registry) fleetIs(fleet onboarding.Fleet) types.TransactWriteItem {
	condition, values := revisionIs(fleet.Revision)
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &r.table, Key: fleetKey(fleet.Name).item(),
		ConditionExpression: &condition, ExpressionAttributeValues: values,
	}}
}
