// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
)

// Shard is the list of publishers that the policies of one shard's topics, one in every
// Region, should allow. It is authoritative, because policies of SNS have no
// compare-and-set (aws-facts 5.5): writers compare the item's sequence, and the item's
// lease allows one of them at a time to write.
type Shard struct {
	List ListKey

	// Accounts are the accounts that may publish, each with the time of its last
	// request, so that Reconcile does not remove an account that another process is
	// about to need.
	Accounts map[account.ID]time.Time
	// Organizations are the organizations all of whose accounts may publish, each with
	// the time of its last request.
	Organizations map[account.OrganizationID]time.Time
	// Leaving are the IDs of accounts and organizations that are not needed any more,
	// each with the time at which that was first found. They may publish until the end
	// of the grace period.
	Leaving map[string]time.Time
	// Anyone is set if every AWS account may publish, regardless of the lists.
	Anyone bool
	// Regions are the Regions with a topic of the shard.
	Regions []account.Region

	// Sequence is the number of changes of accounts and Regions; policies contain it.
	Sequence int64
	// Written is the last sequence that is known to be in the policies of all topics.
	// If it is less than Sequence, policies may be outdated.
	Written int64
}

// ListKey identifies a list of accounts that one policy, or the same policy in every
// Region, allows: the list of a shard, from ShardList, or Readers.
type ListKey string

// Readers is the list of accounts that may read templates in the hub's bucket. It is
// stored like the list of a shard, because policies of buckets have no compare-and-set
// either.
const Readers ListKey = "READERS"

const shardPrefix = "SHARD#"

// ShardList returns the list of a shard's topics.
func ShardList(shard int) ListKey { return ListKey(shardPrefix + strconv.Itoa(shard)) }

// Shard returns the number of the list's shard; ok is false for Readers.
func (l ListKey) Shard() (shard int, ok bool) {
	digits, ok := strings.CutPrefix(string(l), shardPrefix)
	shard, err := strconv.Atoi(digits)
	return shard, ok && err == nil
}

// String returns the name of the list in messages.
func (l ListKey) String() string {
	if shard, ok := l.Shard(); ok {
		return "shard " + strconv.Itoa(shard)
	}
	return "the list of readers"
}

// AccountIDs returns the accounts, sorted.
func (s Shard) AccountIDs() []account.ID {
	return slices.SortedFunc(maps.Keys(s.Accounts), func(a, b account.ID) int {
		return strings.Compare(a.String(), b.String())
	})
}

// Lease is the exclusive right to write a list's policies until a time.
type Lease struct {
	Holder string
	Until  time.Time
}

// LeaseHeldError indicates that another process holds the lease of a list.
type LeaseHeldError struct {
	List  ListKey
	Until time.Time
}

func (e *LeaseHeldError) Error() string {
	return fmt.Sprintf("another process is writing the policies of %s until %s", e.List, e.Until.Format(time.RFC3339))
}

// ErrNoShard indicates that a shard definitely does not exist in the hub.
var ErrNoShard = errors.New("the hub has no such shard")

// EnsureShard creates the item of a list if it does not exist.
func (r *Registry) EnsureShard(ctx context.Context, list ListKey, regions []account.Region) error {
	i := listKey(list).item()
	i["schema"] = number(schema)
	i["accounts"] = &types.AttributeValueMemberM{Value: item{}}
	i["regions"] = regionSet(regions)
	i["sequence"] = number(0)
	i["written"] = number(0)
	_, err := r.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:           &r.table,
		Item:                i,
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	var there *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &there) {
		return fmt.Errorf("write %s to table %s: %w", list, r.table, err)
	}
	return nil
}

// Shards returns several lists, read in as few calls as possible. Lists that do not
// exist are not in the result.
func (r *Registry) Shards(ctx context.Context, lists ...ListKey) (map[ListKey]Shard, error) {
	keys := make([]key, len(lists))
	for n, list := range lists {
		keys[n] = listKey(list)
	}
	found, err := r.getAll(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("read %d lists from table %s: %w", len(lists), r.table, err)
	}
	return r.decodeLists(lists, found)
}

func (r *Registry) decodeLists(lists []ListKey, found map[key]item) (map[ListKey]Shard, error) {
	shards := map[ListKey]Shard{}
	for _, list := range lists {
		i := found[listKey(list)]
		if i == nil {
			continue
		}
		var err error
		if shards[list], err = r.decodeShard(list, i); err != nil {
			return nil, err
		}
	}
	return shards, nil
}

// Shard returns a list, or ErrNoShard if it does not exist.
func (r *Registry) Shard(ctx context.Context, list ListKey) (Shard, error) {
	found, err := r.get(ctx, listKey(list))
	if err != nil {
		return Shard{}, fmt.Errorf("read %s from table %s: %w", list, r.table, err)
	}
	if found == nil {
		return Shard{}, fmt.Errorf("%s of hub %s: %w", list, r.hub, ErrNoShard)
	}
	return r.decodeShard(list, found)
}

// leaseFreeCondition is the condition that no other process holds the lease.
const leaseFreeCondition = "(attribute_not_exists(lease_holder) OR lease_holder = :me OR lease_until < :instant)"

// AcquireLease acquires the lease, or renews the caller's own, and returns the list as
// it is then. The error is *LeaseHeldError if another process holds the lease.
func (r *Registry) AcquireLease(ctx context.Context, list ListKey, lease Lease) (Shard, error) {
	out, err := r.updateShard(ctx, list,
		"SET lease_holder = :me, lease_until = :until",
		"attribute_exists(pk) AND "+leaseFreeCondition,
		item{":me": text(lease.Holder), ":until": millis(lease.Until), ":instant": millis(r.now())})
	var held *types.ConditionalCheckFailedException
	if errors.As(err, &held) {
		if len(held.Item) == 0 {
			return Shard{}, fmt.Errorf("%s of hub %s: %w", list, r.hub, ErrNoShard)
		}
		return Shard{}, &LeaseHeldError{List: list, Until: time.UnixMilli(numberOf(held.Item, "lease_until")).UTC()}
	}
	if err != nil {
		return Shard{}, fmt.Errorf("take the lease of %s in table %s: %w", list, r.table, err)
	}
	return r.decodeShard(list, out)
}

// ShardChange is a change of a list. A change that affects the policies increments the
// sequence.
type ShardChange struct {
	Add     []account.ID
	Remove  []account.ID
	All     map[account.ID]time.Time // replaces all accounts, each with the time of its last request; nil: Add and Remove apply
	Regions []account.Region         // nil: unchanged

	// Organizations replaces all organizations, because they are few; nil: unchanged.
	Organizations map[account.OrganizationID]time.Time
	Anyone        *bool // nil: unchanged

	// Leaving replaces all marks; nil: unchanged. Policies do not depend on it.
	Leaving map[string]time.Time
}

// KeepsPolicies reports whether the change leaves the policies unchanged.
func (c ShardChange) KeepsPolicies() bool {
	return len(c.Add) == 0 && len(c.Remove) == 0 && c.All == nil && c.Regions == nil && c.Organizations == nil && c.Anyone == nil
}

// ChangeShard changes a list that was read under the lease, and returns the list after
// the change. The error is ErrConflict if the lease was lost or the list has changed.
func (r *Registry) ChangeShard(ctx context.Context, lease Lease, before Shard, change ShardChange) (Shard, error) {
	update, names, values := r.changeExpression(lease, before, change)
	out, err := r.updateShardNamed(ctx, before.List, update, "lease_holder = :me AND #sequence = :before", names, values)
	var moved *types.ConditionalCheckFailedException
	if errors.As(err, &moved) {
		return Shard{}, fmt.Errorf("change %s of hub %s: %w", before.List, r.hub, ErrConflict)
	}
	if err != nil {
		return Shard{}, fmt.Errorf("change %s in table %s: %w", before.List, r.table, err)
	}
	return r.decodeShard(before.List, out)
}

// changeExpression returns the update expression of a change, with further assignments,
// and its names and values.
func (r *Registry) changeExpression(lease Lease, before Shard, change ShardChange, further ...string) (update string, names map[string]string, values item) {
	set := strings.Join(append([]string{"SET #sequence = #sequence + :more"}, further...), ", ")
	names = map[string]string{"#sequence": "sequence"}
	values = item{":more": number(1), ":me": text(lease.Holder), ":before": number(before.Sequence)}
	if change.KeepsPolicies() {
		values[":more"] = number(0)
	}
	for n, id := range change.Add {
		name := "#add" + strconv.Itoa(n)
		names[name] = id.String()
		set += ", accounts." + name + " = :now"
		values[":now"] = unixTime(r.now())
	}
	if change.All != nil {
		set += ", accounts = :accounts"
		values[":accounts"] = askedMap(change.All)
	}
	if change.Regions != nil {
		set += ", regions = :regions"
		values[":regions"] = regionSet(change.Regions)
	}
	if change.Organizations != nil {
		set += ", organizations = :organizations"
		values[":organizations"] = askedMap(change.Organizations)
	}
	if change.Leaving != nil {
		leaving := item{}
		for id, since := range change.Leaving {
			leaving[id] = unixTime(since)
		}
		set += ", leaving = :leaving"
		values[":leaving"] = &types.AttributeValueMemberM{Value: leaving}
	}
	if change.Anyone != nil {
		set += ", anyone = :anyone"
		values[":anyone"] = &types.AttributeValueMemberBOOL{Value: *change.Anyone}
	}
	for n, id := range change.Remove {
		name := "#remove" + strconv.Itoa(n)
		names[name] = id.String()
		set += map[bool]string{true: " REMOVE ", false: ", "}[n == 0] + "accounts." + name
	}
	return set, names, values
}

// FinishLease records that the policies of all topics contain the list's sequence, and
// releases the lease. The error is ErrConflict if the lease was lost or the list has
// changed: then another process may have written the policies before or after, and they
// must be written again.
func (r *Registry) FinishLease(ctx context.Context, lease Lease, written Shard) error {
	update, condition, names, values := finish(lease, written)
	_, err := r.updateShardNamed(ctx, written.List, update, condition, names, values)
	var moved *types.ConditionalCheckFailedException
	if errors.As(err, &moved) {
		return fmt.Errorf("finish writing %s of hub %s: %w", written.List, r.hub, ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("release the lease of %s in table %s: %w", written.List, r.table, err)
	}
	return nil
}

// finish returns the update of FinishLease with its condition.
func finish(lease Lease, written Shard) (update, condition string, names map[string]string, values item) {
	return "SET written = :sequence REMOVE lease_holder, lease_until",
		"lease_holder = :me AND #sequence = :sequence",
		map[string]string{"#sequence": "sequence"},
		item{":me": text(lease.Holder), ":sequence": number(written.Sequence)}
}

// ReleaseLease releases the lease without recording a write. It returns nil if the
// lease was lost.
func (r *Registry) ReleaseLease(ctx context.Context, list ListKey, lease Lease) error {
	_, err := r.updateShard(ctx, list, "REMOVE lease_holder, lease_until", "lease_holder = :me", item{":me": text(lease.Holder)})
	var lost *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &lost) {
		return fmt.Errorf("release the lease of %s in table %s: %w", list, r.table, err)
	}
	return nil
}

func (r *Registry) updateShard(ctx context.Context, list ListKey, update, condition string, values item) (item, error) {
	return r.updateShardNamed(ctx, list, update, condition, nil, values)
}

func (r *Registry) updateShardNamed(ctx context.Context, list ListKey, update, condition string, names map[string]string, values item) (item, error) {
	var out *dynamodb.UpdateItemOutput
	err := r.retryContended(ctx, func() (err error) {
		out, err = r.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName:                           &r.table,
			Key:                                 listKey(list).item(),
			UpdateExpression:                    &update,
			ConditionExpression:                 &condition,
			ExpressionAttributeNames:            names,
			ExpressionAttributeValues:           values,
			ReturnValues:                        types.ReturnValueAllNew,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		return err
	})
	if awsclient.IsContended(err) {
		return nil, fmt.Errorf("%w: %w", ErrConflict, err)
	}
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

func (r *Registry) decodeShard(list ListKey, i item) (Shard, error) {
	k := listKey(list)
	if err := r.checkSchema(k, i); err != nil {
		return Shard{}, err
	}
	s := Shard{
		List:     list,
		Accounts: map[account.ID]time.Time{},
		Sequence: numberOf(i, "sequence"),
		Written:  numberOf(i, "written"),
	}
	accounts, _ := i["accounts"].(*types.AttributeValueMemberM)
	if accounts == nil {
		return Shard{}, fmt.Errorf("record %s in table %s has no accounts: restore the table from a backup", k, r.table)
	}
	for digits := range accounts.Value {
		id, err := account.ParseID(digits)
		if err != nil {
			return Shard{}, fmt.Errorf("record %s in table %s: %w", k, r.table, err)
		}
		s.Accounts[id] = time.Unix(numberOf(accounts.Value, digits), 0).UTC()
	}
	if err := s.decodeOthers(i); err != nil {
		return Shard{}, fmt.Errorf("record %s in table %s: %w", k, r.table, err)
	}
	regions, _ := i["regions"].(*types.AttributeValueMemberSS)
	if regions == nil {
		return Shard{}, fmt.Errorf("record %s in table %s has no Regions: restore the table from a backup", k, r.table)
	}
	for _, name := range slices.Sorted(slices.Values(regions.Value)) {
		region, err := account.ParseRegion(name)
		if err != nil {
			return Shard{}, fmt.Errorf("record %s in table %s: %w", k, r.table, err)
		}
		s.Regions = append(s.Regions, region)
	}
	return s, nil
}

// decodeOthers decodes the attributes other than accounts and Regions; older records do
// not have these.
func (s *Shard) decodeOthers(i item) error {
	if anyone, ok := i["anyone"].(*types.AttributeValueMemberBOOL); ok {
		s.Anyone = anyone.Value
	}
	if leaving, ok := i["leaving"].(*types.AttributeValueMemberM); ok {
		s.Leaving = map[string]time.Time{}
		for id := range leaving.Value {
			s.Leaving[id] = time.Unix(numberOf(leaving.Value, id), 0).UTC()
		}
	}
	organizations, ok := i["organizations"].(*types.AttributeValueMemberM)
	if !ok {
		return nil
	}
	s.Organizations = map[account.OrganizationID]time.Time{}
	for text := range organizations.Value {
		id, err := account.ParseOrganizationID(text)
		if err != nil {
			return err
		}
		s.Organizations[id] = time.Unix(numberOf(organizations.Value, text), 0).UTC()
	}
	return nil
}

func askedMap[T interface {
	comparable
	String() string
}](list map[T]time.Time) types.AttributeValue {
	all := item{}
	for id, asked := range list {
		all[id.String()] = unixTime(asked)
	}
	return &types.AttributeValueMemberM{Value: all}
}

func regionSet(regions []account.Region) types.AttributeValue {
	names := make([]string, 0, len(regions))
	for _, region := range regions {
		names = append(names, region.String())
	}
	slices.Sort(names)
	return &types.AttributeValueMemberSS{Value: slices.Compact(names)}
}

func millis(t time.Time) types.AttributeValue { return number(t.UnixMilli()) }
