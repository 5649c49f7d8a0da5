// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
)

// HubState is the state of a hub in its life cycle.
type HubState string

// The states of a hub. A crash leaves the hub in HubCreating or HubDeleting; repeating
// the same operation completes it.
const (
	HubCreating HubState = "creating"
	HubReady    HubState = "ready"
	HubDeleting HubState = "deleting"
)

// HubRecord is the record of a hub in the registry.
type HubRecord struct {
	onboarding.Hub

	// Retirements are the progress of the removal of retiring Regions that were once
	// offered to customers. A retiring Region without an entry has topics that were
	// never offered.
	Retirements    map[account.Region]Retirement `json:",omitempty"`
	PublisherScope onboarding.PublisherScope     `json:"Publishers"`
	TemplateAccess onboarding.TemplateAccess
	ConnectPage    onboarding.ConnectPage `json:",omitzero"`
	Capacity       int
	Shards         int // topics in every Region
	NewestShard    int `json:",omitempty"`       // the first shard to which new customers are assigned
	CreatingShards int `json:"Making,omitempty"` // number of topics that may exist while more are being created
	Tags           map[string]string
	// KMSKey encrypts the table and queues; zero for keys of AWS.
	KMSKey account.KMSKeyARN `json:",omitzero"`

	Bucket             string
	QueueURL           string
	DeadLetterQueueURL string

	// TableID is the ID that AWS assigned to the table. It differs from the present
	// table's ID if another table was restored in its place. RestoredAt is when that
	// was detected.
	TableID    string    `json:",omitempty"`
	RestoredAt time.Time `json:",omitzero"`

	// Untested is set if it is unknown whether messages are delivered after the last
	// change, because the apply was interrupted or the queue was too long to be
	// searched.
	Untested bool `json:",omitempty"`

	State       HubState
	Incarnation onboarding.Incarnation `json:",omitzero"`
	// AnnouncedAt is when a plan was made that creates the hub at another address of
	// the same Terraform configuration: see hub.Manager.Announce.
	AnnouncedAt time.Time        `json:",omitzero"`
	Owner       onboarding.Owner `json:",omitempty"`
	// FromStack is set if a CloudFormation stack created the hub's parts: they are
	// deleted with that stack.
	FromStack bool `json:",omitempty"`
	CreatedAt time.Time
	Revision  int64 // number of writes, for optimistic locking

	// Key is the secret from which external IDs are derived. Only HubAndKey and
	// HubAndLists read it, because its holder can compute the external ID of every
	// customer. It is never printed or logged with the record.
	Key Key `json:"-"`

	// LegacyLayout is set if the table has, at least in part, the layout of the first
	// release: see Migrate.
	LegacyLayout bool `json:"-"`
}

// Retirement is the progress of a Region's removal from the hub.
type Retirement struct {
	Since               time.Time // when the hub stopped offering the Region
	PublishersRemovedAt time.Time `json:"Mute,omitzero"` // when its topics lost their publishers; zero if they have them
}

// PublishingRegions returns the Regions whose topics accept messages of customers:
// those that the hub offers, and retiring ones whose topics still have their
// publishers.
func (h HubRecord) PublishingRegions() []account.Region {
	regions := slices.Clone(h.Regions)
	for _, region := range h.Retiring {
		if r, offered := h.Retirements[region]; offered && r.PublishersRemovedAt.IsZero() {
			regions = append(regions, region)
		}
	}
	return regions
}

// OpenToAnyone reports whether the hub's topics accept messages of any AWS account.
func (h HubRecord) OpenToAnyone() bool { return h.PublisherScope == onboarding.AnyAccount }

// WithShards returns the record with at least the given number of topics in every Region.
// New customers are assigned only to the topics added last: the number of these
// customers is known, so that no topic overflows and no existing customer moves. An
// increase that was announced is completed, never undone, because an unneeded topic
// does no harm.
func (h HubRecord) WithShards(shards int) HubRecord {
	if shards = max(shards, h.CreatingShards); shards > h.Shards {
		h.NewestShard, h.Shards = h.Shards, shards
	}
	h.CreatingShards = 0
	return h
}

// recoveryPeriod is how long after a restore of the table rounds of proofs search for
// roles that the registry does not know any more.
const recoveryPeriod = 7 * 24 * time.Hour

// Recovering reports whether the table was restored recently, so that customers who
// connected after the restore point are unknown.
func (h HubRecord) Recovering(now time.Time) bool {
	return now.Before(h.RestoredAt.Add(recoveryPeriod))
}

// WithTableID returns the record with the ID of the present table. It sets RestoredAt if
// the ID has changed.
func (h HubRecord) WithTableID(id string, now time.Time) HubRecord {
	if h.TableID != "" && h.TableID != id {
		h.RestoredAt = now.UTC()
	}
	h.TableID = id
	return h
}

// ShardOf returns the shard of the topic to which a new customer's stack will publish.
func (h HubRecord) ShardOf(customer string) int {
	return h.NewestShard + onboarding.ShardIndex(customer, h.Shards-h.NewestShard)
}

// LogValue returns only the hub's name for logs.
func (h HubRecord) LogValue() slog.Value { return slog.StringValue(h.Name) }

// Key is a hub's secret: 32 random bytes, generated once.
type Key struct{ bytes []byte }

// NewKey generates a key from random.
func NewKey(random io.Reader) (Key, error) {
	k := Key{make([]byte, 32)}
	if _, err := io.ReadFull(random, k.bytes); err != nil {
		return Key{}, fmt.Errorf("generate the hub's key: %w", err)
	}
	return k, nil
}

// Bytes returns the secret itself, for use in an HMAC.
func (k Key) Bytes() []byte { return k.bytes }

// Format prints the same text for every key and every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[hub key]") }

// MarshalText returns a fixed text, so that no encoded record contains the key.
func (k Key) MarshalText() ([]byte, error) { return []byte("[hub key]"), nil }

// LogValue returns a fixed text, so that no log contains the key.
func (k Key) LogValue() slog.Value { return slog.StringValue("[hub key]") }

// Hub returns the hub's record, without its key. The error is ErrNoHub only if AWS
// reported that the table, or the record in it, does not exist.
func (r *Registry) Hub(ctx context.Context) (HubRecord, error) {
	found, err := r.get(ctx, hubKey)
	if err := r.noHub(found, err); err != nil {
		return HubRecord{}, err
	}
	return r.decodeHub(found)
}

// HubAndKey returns the hub's record with the key. The registrar's policy does not
// allow reading the key.
func (r *Registry) HubAndKey(ctx context.Context) (HubRecord, error) {
	hub, _, err := r.HubAndLists(ctx)
	return hub, err
}

// HubAndLists returns the same as HubAndKey, and the given lists, in one call. Lists
// that do not exist are not in the result.
func (r *Registry) HubAndLists(ctx context.Context, lists ...ListKey) (HubRecord, map[ListKey]Shard, error) {
	keys := []key{hubKey, secretKey}
	for _, list := range lists {
		keys = append(keys, listKey(list))
	}
	found, err := r.getAll(ctx, keys...)
	if err := r.noHub(found[hubKey], err); err != nil {
		return HubRecord{}, nil, err
	}
	hub, err := r.withKey(found)
	if err != nil {
		return HubRecord{}, nil, err
	}
	shards, err := r.decodeLists(lists, found)
	return hub, shards, err
}

// withKey returns the hub's record with its key, both decoded from the found items.
func (r *Registry) withKey(found map[key]item) (HubRecord, error) {
	hub, err := r.decodeHub(found[hubKey])
	if err != nil {
		return HubRecord{}, err
	}
	secret := found[secretKey]
	if secret == nil {
		secret = found[hubKey] // the former layout
	}
	if err := r.checkSchema(secretKey, secret); err != nil {
		return HubRecord{}, err
	}
	if hub.Key = (Key{bytesOf(secret, "key")}); len(hub.Key.bytes) == 0 {
		return HubRecord{}, fmt.Errorf("hub %s has lost its key in table %s: restore the table from a backup", r.hub, r.table)
	}
	return hub, nil
}

// noHub returns the error of a read of the hub's item, which is ErrNoHub if the item
// does not exist; nil if the item was found.
func (r *Registry) noHub(found item, err error) error {
	if err != nil && !awsclient.IsNotFound(err) {
		return fmt.Errorf("read hub %s from table %s: %w", r.hub, r.table, err)
	}
	if err != nil || found == nil {
		return fmt.Errorf("hub %s: %w", r.hub, ErrNoHub)
	}
	return nil
}

func (r *Registry) decodeHub(found item) (HubRecord, error) {
	hub, err := decode[HubRecord](r, hubKey, found)
	if err != nil {
		return HubRecord{}, err
	}
	hub.Revision = numberOf(found, "revision")
	hub.LegacyLayout = r.readLayout(found) != currentLayout
	return hub, nil
}

// HubExistsError indicates that the hub already has a record.
type HubExistsError struct{ Existing HubRecord }

func (e *HubExistsError) Error() string {
	return fmt.Sprintf("hub %s exists already, created %s", e.Existing.Name, e.Existing.CreatedAt.Format(time.RFC3339))
}

// CreateHub writes the record and the key of a new hub in one transaction, and returns
// the record as written. If the hub exists, nothing is changed and the error is
// *HubExistsError.
func (r *Registry) CreateHub(ctx context.Context, hub HubRecord) (HubRecord, error) {
	if len(hub.Key.bytes) == 0 {
		return HubRecord{}, errors.New("a new hub needs a key")
	}
	hub.Revision = 1
	among := partitioningFor(hub.Capacity)
	written, err := hubItem(hub, among)
	if err != nil {
		return HubRecord{}, err
	}
	err = r.transact(ctx, []types.TransactWriteItem{
		r.putWrite(written, "attribute_not_exists(pk)", nil),
		r.putWrite(secretItem(hub.Key), "attribute_not_exists(pk)", nil),
	})
	if conflicts(err) {
		existing, found := r.HubAndKey(ctx)
		if found != nil {
			return HubRecord{}, found
		}
		stored, _ := failedItem(err, 0)
		if !same(stored, written) || !bytes.Equal(existing.Key.bytes, hub.Key.bytes) {
			return HubRecord{}, &HubExistsError{existing}
		}
		err = nil // the response to this write was lost
	}
	if err != nil {
		return HubRecord{}, fmt.Errorf("write the record of hub %s: %w", r.hub, err)
	}
	r.readLayout(written)
	return hub, nil
}

// hubItem returns the item of a hub's record in the current layout.
func hubItem(hub HubRecord, among partitioning) (item, error) {
	written, err := encode(hubKey, hub)
	if err != nil {
		return nil, err
	}
	written["revision"] = number(hub.Revision)
	written["layout"], written["spread"] = number(currentLayoutVersion), number(int64(among))
	return written, nil
}

func secretItem(secret Key) item {
	i := secretKey.item()
	i["schema"] = number(schema)
	i["key"] = &types.AttributeValueMemberB{Value: secret.bytes}
	return i
}

// UpdateHub writes the record on the condition that the stored one still has the
// revision that was read; otherwise the error is ErrConflict. The key is not changed.
// It returns the record as written.
func (r *Registry) UpdateHub(ctx context.Context, hub HubRecord) (HubRecord, error) {
	if err := r.Migrate(ctx); err != nil {
		return HubRecord{}, err
	}
	before := hub.Revision
	hub.Revision++
	hub.LegacyLayout = false
	written, err := hubItem(hub, r.partitioning())
	if err != nil {
		return HubRecord{}, err
	}
	if err := r.put(ctx, hubKey, written, before); err != nil {
		return HubRecord{}, fmt.Errorf("update the record of hub %s: %w", r.hub, err)
	}
	return hub, nil
}
