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

// A permission set is one item, and the items of all links of its customers refer
// to it by name: whatever reads links here reads their sets with them. A set is
// never deleted, only retired, because closed links and the stacks that were made
// with them refer to it too.

// setsPartition holds all sets of a hub: there are few of them, and one query has
// to find them all. The registrar reads one for each request, and a partition
// gives 3,000 units in a second (aws-facts 10.3).
const setsPartition = "SET#ALL"

const setPrefix = "NAME#"

func setKey(name string) key { return key{setsPartition, setPrefix + name} }

var (
	// ErrNoPermissionSet indicates that the hub has definitely no permission set of a
	// name.
	ErrNoPermissionSet = errors.New("the hub has no permission set of this name")

	// ErrPermissionSetRetired indicates that a permission set was deleted, so that no
	// further link may refer to it.
	ErrPermissionSetRetired = errors.New("the permission set was deleted")
)

// PermissionSetExistsError indicates that the hub has a permission set of the name.
type PermissionSetExistsError struct{ Existing onboarding.PermissionSet }

func (e *PermissionSetExistsError) Error() string {
	return fmt.Sprintf("hub %s has a permission set %s already", e.Existing.Hub, e.Existing.Name)
}

// PermissionSet returns the set of a name, retired or not; ErrNoPermissionSet if
// there definitely is none.
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

// PermissionSets returns all sets of the hub, those that are retired too, by name.
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

// CreatePermissionSet writes a set that the hub has no record of; otherwise the
// error is *PermissionSetExistsError with the existing one. It returns the
// set as written.
func (r *Registry) CreatePermissionSet(ctx context.Context, set onboarding.PermissionSet) (onboarding.PermissionSet, error) {
	set.Revision = 0
	return r.writeSet(ctx, set)
}

// UpdatePermissionSet writes a set over the revision that it was read with. It
// returns the set as written.
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
		written["retired"] = moment(set.RetiredAt)
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

// mayRefer checks, with the write of a link that refers to a set, that the set
// exists and is not retired.
func (r *Registry) mayRefer(before *onboarding.Link, link onboarding.Link) []types.TransactWriteItem {
	stays := before != nil && !before.Closed && before.PermissionSet == link.PermissionSet
	if link.PermissionSet == "" || link.Closed || stays {
		return nil
	}
	return []types.TransactWriteItem{r.setExists(link.PermissionSet)}
}

// setExists checks, with another write, that a set exists and is not retired.
func (r *Registry) setExists(name string) types.TransactWriteItem {
	condition := "attribute_exists(pk) AND attribute_not_exists(retired)"
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &r.table, Key: setKey(name).item(), ConditionExpression: &condition,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// mayNotRefer returns why a link must not refer to the set that stood in its way.
func mayNotRefer(stood item) error {
	if stood == nil {
		return ErrNoPermissionSet
	}
	return ErrPermissionSetRetired
}

// setReader reads the sets that links refer to, each once in one read of links.
type setReader struct {
	registry *Registry

	mu   sync.Mutex
	read map[string]onboarding.PermissionSet
}

func (r *Registry) newSetReader() *setReader {
	return &setReader{registry: r, read: map[string]onboarding.PermissionSet{}}
}

// refer gives links what the sets say that they refer to.
func (s *setReader) refer(ctx context.Context, links ...*onboarding.Link) error {
	s.mu.Lock() // while it reads, so that no set is read twice
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
		*link = link.Refer(set)
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

// add adds sets that were read.
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
