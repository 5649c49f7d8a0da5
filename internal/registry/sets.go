// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// A permission set is one item, and the items of links refer to it by name. All reads
// of links also read their sets. A set is never deleted, only retired, because closed
// links, and stacks created with them, still refer to it.

// setsPartition contains all sets of a hub, which are few, so that one query finds all.
// The registrar reads one set for each request; a partition allows 3,000 units per
// second (aws-facts 10.3).
const setsPartition = "SET#ALL"

const setPrefix = "NAME#"

func setKey(name string) key { return key{setsPartition, setPrefix + name} }

var (
	// ErrNoPermissionSet indicates that a permission set definitely does not exist in
	// the hub.
	ErrNoPermissionSet = errors.New("the hub has no permission set of this name")

	// ErrPermissionSetRetired indicates that a permission set was deleted, so that no
	// more links may refer to it.
	ErrPermissionSetRetired = errors.New("the permission set was deleted")
)

// PermissionSetExistsError indicates that the hub already has a permission set of the
// name.
type PermissionSetExistsError struct{ Existing onboarding.PermissionSet }

func (e *PermissionSetExistsError) Error() string {
	return fmt.Sprintf("hub %s has a permission set %s already", e.Existing.Hub, e.Existing.Name)
}

// PermissionSet returns the set with a name, retired or not, or ErrNoPermissionSet if
// it definitely does not exist.
func (r *Registry) PermissionSet(ctx context.Context, name string) (onboarding.PermissionSet, error) {
	found, err := r.get(ctx, setKey(name))
	if err != nil || found == nil {
		if err == nil {
			err = ErrNoPermissionSet
		} else if awsclient.IsNotFound(err) {
			err = fmt.Errorf("hub %s: %w", r.hub, ErrNoHub)
		}
		return onboarding.PermissionSet{}, fmt.Errorf("read permission set %s of hub %s: %w", name, r.hub, err)
	}
	return r.decodeSet(found)
}

// PermissionSets returns all sets of the hub, including retired ones, sorted by name.
func (r *Registry) PermissionSets(ctx context.Context) ([]onboarding.PermissionSet, error) {
	var sets []onboarding.PermissionSet
	err := r.query(ctx, allOf(setsPartition), func(i item) error {
		set, err := r.decodeSet(i)
		sets = append(sets, set)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the permission sets of hub %s: %w", r.hub, err)
	}
	return sets, nil
}

// CreatePermissionSet writes a new set and returns it as written. If the hub already
// has a set of the name, the error is *PermissionSetExistsError.
func (r *Registry) CreatePermissionSet(ctx context.Context, set onboarding.PermissionSet) (onboarding.PermissionSet, error) {
	set.Revision = 0
	return r.writeSet(ctx, set)
}

// UpdatePermissionSet writes a set on the condition that the stored one still has the
// revision that was read; otherwise the error is ErrConflict. It returns the set as
// written.
func (r *Registry) UpdatePermissionSet(ctx context.Context, set onboarding.PermissionSet) (onboarding.PermissionSet, error) {
	return r.writeSet(ctx, set)
}

func (r *Registry) writeSet(ctx context.Context, set onboarding.PermissionSet) (onboarding.PermissionSet, error) {
	if err := r.Migrate(ctx); err != nil {
		return onboarding.PermissionSet{}, err
	}
	before := set.Revision
	set.Revision++
	written, err := encode(setKey(set.Name), set)
	if err != nil {
		return onboarding.PermissionSet{}, err
	}
	written["revision"] = number(set.Revision)
	if set.Retired() {
		written["retired"] = unixTime(set.RetiredAt)
	}
	err = r.put(ctx, setKey(set.Name), written, before)
	if errors.Is(err, ErrConflict) && before == 0 {
		existing, found := r.PermissionSet(ctx, set.Name)
		if found != nil {
			return onboarding.PermissionSet{}, found
		}
		err = &PermissionSetExistsError{existing}
	}
	if err != nil {
		return onboarding.PermissionSet{}, fmt.Errorf("write permission set %s of hub %s: %w", set.Name, r.hub, err)
	}
	return set, nil
}

func (r *Registry) decodeSet(i item) (onboarding.PermissionSet, error) {
	set, err := decode[onboarding.PermissionSet](r, keyOf(i), i)
	set.Revision = numberOf(i, "revision")
	return set, err
}

// setChecks returns a check that the permission set of a link exists and is not retired.
// It returns none if the link needs no check, because it has no set, is closed, or
// keeps its set.
func (r *Registry) setChecks(before *onboarding.Link, link onboarding.Link) []types.TransactWriteItem {
	stays := before != nil && !before.Closed && before.PermissionSet == link.PermissionSet
	if link.PermissionSet == "" || link.Closed || stays {
		return nil
	}
	return []types.TransactWriteItem{r.setCheck(link.PermissionSet)}
}

// setCheck returns a check that a set exists and is not retired.
func (r *Registry) setCheck(name string) types.TransactWriteItem {
	condition := "attribute_exists(pk) AND attribute_not_exists(retired)"
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &r.table, Key: setKey(name).item(), ConditionExpression: &condition,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// setCheckError returns the error for a failed setCheck, by the item that was
// found.
func setCheckError(stored item) error {
	if stored == nil {
		return ErrNoPermissionSet
	}
	return ErrPermissionSetRetired
}

// setReader reads the sets to which links refer, each once in one read of links.
type setReader struct {
	registry *Registry

	mu   sync.Mutex
	read map[string]onboarding.PermissionSet
}

func (r *Registry) newSetReader() *setReader {
	return &setReader{registry: r, read: map[string]onboarding.PermissionSet{}}
}

// resolveSets completes links with the contents of the sets to which they refer.
func (s *setReader) resolveSets(ctx context.Context, links ...*onboarding.Link) error {
	s.mu.Lock() // held during the read, so that no set is read twice
	defer s.mu.Unlock()
	wanted := map[key]bool{}
	for _, link := range links {
		if name := link.PermissionSet; name != "" {
			if _, there := s.read[name]; !there {
				wanted[setKey(name)] = true
			}
		}
	}
	if err := s.readAll(ctx, wanted); err != nil {
		return err
	}
	for _, link := range links {
		if link.PermissionSet == "" {
			continue
		}
		set, there := s.read[link.PermissionSet]
		if !there {
			return fmt.Errorf("the link of customer %s refers to permission set %s, which table %s has no record of: restore the table from a backup",
				link.CustomerID, link.PermissionSet, s.registry.table)
		}
		*link = link.WithSet(set)
	}
	return nil
}

func (s *setReader) readAll(ctx context.Context, wanted map[key]bool) error {
	keys := make([]key, 0, len(wanted))
	for k := range wanted {
		keys = append(keys, k)
	}
	found, err := s.registry.getAll(ctx, keys...)
	if err != nil {
		return err
	}
	return s.add(found)
}

// add adds sets that were read to the cache.
func (s *setReader) add(items map[key]item) error {
	for _, i := range items {
		set, err := s.registry.decodeSet(i)
		if err != nil {
			return err
		}
		s.read[set.Name] = set
	}
	return nil
}
