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

// HubState is how far a hub has come.
type HubState string

// The life of a hub. A crash leaves it in the first or the last of these, and
// the same operation again finishes it.
const (
	HubCreating HubState = "creating"
	HubReady    HubState = "ready"
	HubDeleting HubState = "deleting"
)

// HubRecord is everything that is known of a hub without asking for its parts.
type HubRecord struct {
	onboarding.Hub

	// Retirements are how far the retiring Regions have come that were offered
	// once. One without has topics that no customer was ever told of.
	Retirements    map[account.Region]Retirement `json:",omitempty"`
	PublisherScope onboarding.PublisherScope     `json:"Publishers"`
	TemplateAccess onboarding.TemplateAccess
	ConnectPage    onboarding.ConnectPage `json:",omitzero"`
	Capacity       int
	Shards         int // topics in every Region
	NewestShard    int `json:",omitempty"` // the first of those that new customers get
	Making         int `json:",omitempty"` // how many topics there may be already, while more are made
	Tags           map[string]string
	// KMSKey encrypts table and queues; zero: AWS's own keys do.
	KMSKey account.KMSKeyARN `json:",omitzero"`

	Bucket             string
	QueueURL           string
	DeadLetterQueueURL string

	// TableID is AWS's ID of the table; another one than that was restored in its
	// place. RestoredAt is when that was noticed.
	TableID    string    `json:",omitempty"`
	RestoredAt time.Time `json:",omitzero"`

	// Untested is set if the queue was too long to find out whether what the last
	// apply changed still delivers.
	Untested bool `json:",omitempty"`

	State       HubState
	Incarnation onboarding.Incarnation `json:",omitzero"`
	// AnnouncedAt is when a plan was made that has the hub at another address of the
	// same Terraform configuration: see hub.Manager.Announce.
	AnnouncedAt time.Time        `json:",omitzero"`
	Owner       onboarding.Owner `json:",omitempty"`
	// FromStack is set if a CloudFormation stack made the hub's parts: they are
	// the stack's to delete.
	FromStack bool `json:",omitempty"`
	CreatedAt time.Time
	Revision  int64 // counts writes; the optimistic lock

	// Key issues external IDs; only HubAndKey reads it, because its holder can
	// make every customer's. No printing or logging of the record shows it.
	Key Key `json:"-"`

	// FormerLayout is set if the table is, or may in part be, as the first release
	// laid it out: see Migrate.
	FormerLayout bool `json:"-"`
}

// Retirement is how far a Region has come that the hub gives up.
type Retirement struct {
	Since time.Time // it is offered to no customer
	Mute  time.Time `json:",omitzero"` // its topics let no customer publish; zero: they do
}

// Speaking returns the Regions whose topics take messages of customers: those
// that the hub offers, and those that it gives up and that are not mute yet.
func (h HubRecord) Speaking() []account.Region {
	regions := slices.Clone(h.Regions)
	for _, region := range h.Retiring {
		if r, offered := h.Retirements[region]; offered && r.Mute.IsZero() {
			regions = append(regions, region)
		}
	}
	return regions
}

// OpenToAnyone reports that the hub's topics take messages of any AWS account.
func (h HubRecord) OpenToAnyone() bool { return h.PublisherScope == onboarding.AnyAccount }

// Grown returns the record of a hub with at least so many topics in every Region.
// New customers go to those that the last step brought: their number is known,
// so none of the topics overflows, and no customer moves. A step that
// was announced is finished, never undone: a topic too many does no harm.
func (h HubRecord) Grown(shards int) HubRecord {
	if shards = max(shards, h.Making); shards > h.Shards {
		h.NewestShard, h.Shards = h.Shards, shards
	}
	h.Making = 0
	return h
}

// recovery is how long after a restore rounds of proofs look for roles that the
// registry has forgotten.
const recovery = 7 * 24 * time.Hour

// Recovering reports whether the table was restored lately, so that customers who
// connected after the time that it was restored to are unknown.
func (h HubRecord) Recovering(now time.Time) bool { return now.Before(h.RestoredAt.Add(recovery)) }

// OnTable returns the record with the table that it is in now.
func (h HubRecord) OnTable(id string, now time.Time) HubRecord {
	if h.TableID != "" && h.TableID != id {
		h.RestoredAt = now.UTC()
	}
	h.TableID = id
	return h
}

// ShardOf returns the topic that a new customer's stack will speak to.
func (h HubRecord) ShardOf(customer string) int {
	return h.NewestShard + onboarding.Spread(customer, h.Shards-h.NewestShard)
}

// LogValue keeps a log line about a hub to its name.
func (h HubRecord) LogValue() slog.Value { return slog.StringValue(h.Name) }

// Key is a hub's secret: 32 random bytes, made once.
type Key struct{ bytes []byte }

// NewKey draws a key.
func NewKey(random io.Reader) (Key, error) {
	k := Key{make([]byte, 32)}
	if _, err := io.ReadFull(random, k.bytes); err != nil {
		return Key{}, fmt.Errorf("draw the hub's random key: %w", err)
	}
	return k, nil
}

// Bytes returns the secret itself, for the HMAC that needs it.
func (k Key) Bytes() []byte { return k.bytes }

// Format prints the same for every key and every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[hub key]") }

// MarshalText keeps the key out of whatever encodes a record.
func (k Key) MarshalText() ([]byte, error) { return []byte("[hub key]"), nil }

// LogValue keeps the key out of logs.
func (k Key) LogValue() slog.Value { return slog.StringValue("[hub key]") }

// Hub returns the hub's record, without its key. It is ErrNoHub only if AWS said
// that the table, or the record in it, does not exist.
func (r *Registry) Hub(ctx context.Context) (HubRecord, error) {
	found, err := r.get(ctx, hubKey)
	if err := r.noHub(found, err); err != nil {
		return HubRecord{}, err
	}
	return r.decodeHub(found)
}

// HubAndKey returns the hub's record with the key, which the registrar's policy
// keeps it from reading.
func (r *Registry) HubAndKey(ctx context.Context) (HubRecord, error) {
	hub, _, err := r.HubAndLists(ctx)
	return hub, err
}

// HubAndLists returns what HubAndKey does, with some lists in the same call. A list that is not
// there is not in the answer.
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

// withKey returns the hub's record with the key, which are among some items.
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

// noHub returns why a read has not found the hub's item; nil if it has.
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
	hub.FormerLayout = r.seeLayout(found) != laidOut
	return hub, nil
}

// HubExistsError indicates that the hub has a record already.
type HubExistsError struct{ Existing HubRecord }

func (e *HubExistsError) Error() string {
	return fmt.Sprintf("hub %s exists already, created %s", e.Existing.Name, e.Existing.CreatedAt.Format(time.RFC3339))
}

// CreateHub writes the record of a new hub, and its key, both or neither. If
// there is one already it is left as it is, and the error is *HubExistsError.
func (r *Registry) CreateHub(ctx context.Context, hub HubRecord) (HubRecord, error) {
	if len(hub.Key.bytes) == 0 {
		return HubRecord{}, errors.New("a new hub needs a key")
	}
	hub.Revision = 1
	among := spreadFor(hub.Capacity)
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
		stood, _ := failedItem(err, 0)
		if !same(stood, written) || !bytes.Equal(existing.Key.bytes, hub.Key.bytes) {
			return HubRecord{}, &HubExistsError{existing}
		}
		err = nil // the answer to our own write was lost
	}
	if err != nil {
		return HubRecord{}, fmt.Errorf("write the record of hub %s: %w", r.hub, err)
	}
	r.seeLayout(written)
	return hub, nil
}

// hubItem returns the item of a hub's record, in a table of today's layout.
func hubItem(hub HubRecord, among spread) (item, error) {
	written, err := encode(hubKey, hub)
	if err != nil {
		return nil, err
	}
	written["revision"] = number(hub.Revision)
	written["layout"], written["spread"] = number(presentLayout), number(int64(among))
	return written, nil
}

func secretItem(secret Key) item {
	i := secretKey.item()
	i["schema"] = number(schema)
	i["key"] = &types.AttributeValueMemberB{Value: secret.bytes}
	return i
}

// UpdateHub writes the record over the revision that it was read with; the key
// stays. It returns the record as written.
func (r *Registry) UpdateHub(ctx context.Context, hub HubRecord) (HubRecord, error) {
	if err := r.Migrate(ctx); err != nil {
		return HubRecord{}, err
	}
	before := hub.Revision
	hub.Revision++
	hub.FormerLayout = false
	written, err := hubItem(hub, r.spread())
	if err != nil {
		return HubRecord{}, err
	}
	if err := r.put(ctx, hubKey, written, before); err != nil {
		return HubRecord{}, fmt.Errorf("update the record of hub %s: %w", r.hub, err)
	}
	return hub, nil
}
