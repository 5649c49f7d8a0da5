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

// A fleet is one item, and the items of its customers' links refer to it by name. A
// process writes the fleet's record before it writes links for the fleet, and every
// transaction checks that the record is unchanged since. So if two processes change,
// take over or close a fleet concurrently, only the later one continues.

// fleetsPartition contains all fleets of a hub, which are few.
const fleetsPartition = "FLEETS"

func fleetKey(name string) key { return key{fleetsPartition, "NAME#" + name} }

// ErrNoFleet indicates that a fleet definitely does not exist in the hub.
var ErrNoFleet = errors.New("the hub has no fleet of this name")

// Fleet returns the fleet with a name, open or closed, or ErrNoFleet if it definitely
// does not exist.
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

// Fleets returns all fleets of the hub, open and closed, sorted by name.
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

// WriteFleet writes a fleet on the condition that the stored one has the revision of
// before, or that there is none if before is nil. It returns the fleet as written. If
// the fleet changes to a permission set that does not exist or is retired, the error is
// ErrNoPermissionSet or ErrPermissionSetRetired.
func (r *Registry) WriteFleet(ctx context.Context, before *onboarding.Fleet, fleet onboarding.Fleet) (onboarding.Fleet, error) {
	if err := r.Migrate(ctx); err != nil {
		return onboarding.Fleet{}, err
	}
	fleet.Revision = 0
	stays := false
	if before != nil {
		fleet.Revision, stays = before.Revision, !before.Closed() && before.PermissionSet == fleet.PermissionSet
	}
	condition, values := revisionCondition(fleet.Revision)
	fleet.Revision++
	written, err := encode(fleetKey(fleet.Name), fleet)
	if err != nil {
		return onboarding.Fleet{}, err
	}
	written["revision"] = number(fleet.Revision)
	writes := []types.TransactWriteItem{r.putWrite(written, condition, values)}
	if !stays && !fleet.Closed() {
		writes = append(writes, r.setCheck(fleet.PermissionSet))
	}
	err = r.transact(ctx, writes)
	if stored, failed := failedItem(err, 1); failed {
		return onboarding.Fleet{}, fmt.Errorf("permission set %s: %w", fleet.PermissionSet, setCheckError(stored))
	}
	if stored, failed := failedItem(err, 0); failed && same(stored, written) {
		return fleet, nil // the response to this write was lost
	}
	if conflicts(err) {
		err = ErrConflict
	}
	if err != nil {
		return onboarding.Fleet{}, fmt.Errorf("write fleet %s of hub %s: %w", fleet.Name, r.hub, err)
	}
	return fleet, nil
}

// fleetCheck returns a check that the fleet still has the revision that was written.
func (r *Registry) fleetCheck(fleet onboarding.Fleet) types.TransactWriteItem {
	condition, values := revisionCondition(fleet.Revision)
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &r.table, Key: fleetKey(fleet.Name).item(),
		ConditionExpression: &condition, ExpressionAttributeValues: values,
	}}
}
