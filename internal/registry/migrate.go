// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"golang.org/x/sync/errgroup"
)

const (
	// migrationLease is how long other processes wait for a process that crashed during
	// a migration; migrationPause is how often they check.
	migrationLease = time.Minute
	migrationPause = time.Second
	// stragglerTimeout is how long Migrate waits for a registrar of the first release to
	// finish a request that it began before the migration. Such a registrar returns a
	// message to the queue after 75 seconds; the rest is a reserve.
	stragglerTimeout = 2 * time.Minute
)

// Migrate migrates a table of the first release to the current layout. It returns at
// once if the table was migrated. One process migrates at a time; if it crashes, the
// next one continues. The table can be used meanwhile: see legacy.go.
//
// Registrars of the first release continue to serve the customers that are not migrated
// yet, and leave the messages of the others for a newer registrar. Once all customers
// are migrated they leave all messages. If such a registrar has sent a heartbeat
// recently, and the hub has organizations, whose accounts are not known beforehand,
// Migrate waits until that registrar can have no request in flight, and then checks
// once more.
func (r *Registry) Migrate(ctx context.Context) error {
	if r.migrated.Load() {
		return nil
	}
	holder := rand.Text()
	for {
		hub, err := r.get(ctx, hubKey)
		if err != nil && !awsclient.IsNotFound(err) {
			return fmt.Errorf("read hub %s from table %s: %w", r.hub, r.table, err)
		}
		// If there is no table or no hub, the next operation returns that error.
		if r.readLayout(hub) == currentLayout {
			return nil
		}
		mine, err := r.leaseMigration(ctx, holder)
		if err == nil && mine {
			err = r.migrate(ctx, holder)
		} else if err == nil {
			err = r.sleep(ctx, migrationPause)
		}
		if err != nil && !errors.Is(err, ErrConflict) {
			return fmt.Errorf("migrate table %s from the first release's layout: %w", r.table, err)
		}
	}
}

// leaseMigration acquires the lease or renews it, and reports whether the caller has
// it.
func (r *Registry) leaseMigration(ctx context.Context, holder string) (bool, error) {
	now := r.now()
	_, err := r.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:           &r.table,
		Key:                 migrationKey.item(),
		UpdateExpression:    aws.String("SET lease_holder = :me, lease_until = :until, expires = :expires"),
		ConditionExpression: aws.String("attribute_not_exists(lease_holder) OR lease_holder = :me OR lease_until < :now"),
		ExpressionAttributeValues: item{
			":me": text(holder), ":until": millis(now.Add(migrationLease)), ":now": millis(now), ":expires": unixTime(now.Add(tombstoneLifetime)),
		},
	})
	if awsclient.IsConditionFailed(err) {
		return false, nil
	}
	return err == nil, err
}

// migrate moves all customers, then updates the hub's item to show that they were moved,
// and finally moves the records that were written meanwhile.
func (r *Registry) migrate(ctx context.Context, holder string) error {
	if err := r.moveAll(ctx, holder); err != nil {
		return err
	}
	sealed, err := r.seal(ctx)
	if err != nil {
		return err
	}
	wait, err := r.hasStragglers(ctx)
	if err != nil {
		return err
	}
	if wait {
		if err := r.awaitStragglers(ctx, holder, sealed.Add(stragglerTimeout)); err != nil {
			return err
		}
	}
	if err := r.moveAll(ctx, holder); err != nil {
		return err
	}
	_, err = r.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: hubKey.item(),
		UpdateExpression:    aws.String("REMOVE settling"),
		ConditionExpression: aws.String("attribute_exists(pk)"),
	})
	return err
}

// awaitStragglers waits until the given time, and renews the lease meanwhile: otherwise
// another process would find nothing to move, and declare the table migrated.
func (r *Registry) awaitStragglers(ctx context.Context, holder string, until time.Time) error {
	for rest := until.Sub(r.now()); rest > 0; rest = until.Sub(r.now()) {
		if err := r.sleep(ctx, min(rest, migrationLease/3)); err != nil {
			return err
		}
		if mine, err := r.leaseMigration(ctx, holder); err != nil || !mine {
			return errors.Join(err, ErrConflict)
		}
	}
	return nil
}

// moveAll moves every customer that is still in the former place, and renews the lease.
func (r *Registry) moveAll(ctx context.Context, holder string) error {
	left, err := r.legacyCustomers(ctx)
	if err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(maxConcurrentCalls)
	renewed := r.now()
	for id, customer := range left {
		if r.now().Sub(renewed) > migrationLease/3 {
			if mine, err := r.leaseMigration(ctx, holder); err != nil || !mine {
				return errors.Join(err, group.Wait(), ErrConflict)
			}
			renewed = r.now()
		}
		group.Go(func() error { return r.move(groupCtx, id, *customer) })
	}
	return group.Wait()
}

// move moves one customer: first the registrations, the last of them together with the
// link. It starts again if any of the records is written meanwhile.
func (r *Registry) move(ctx context.Context, id string, customer onboarding.Customer) error {
	const attempts = 20
	for range attempts {
		err := r.moveOnce(ctx, customer)
		if err == nil || !conflicts(err) {
			return err
		}
		if customer, err = r.legacyCustomer(ctx, id); err != nil {
			return err
		}
	}
	return fmt.Errorf("customer %s kept changing: %w", id, ErrConflict)
}

// legacyCustomer returns the records of one customer in the former place.
func (r *Registry) legacyCustomer(ctx context.Context, id string) (onboarding.Customer, error) {
	var customer onboarding.Customer
	from := keyRange{partition: legacyPartition, above: legacyPrefix(id), last: legacyPrefix(id) + "~"}
	err := r.query(ctx, from, func(i item) error {
		if isTombstone(i) {
			return nil
		}
		if isLegacyLink(i) {
			link, err := r.decodeLegacyLink(i)
			customer.Link = link
			return err
		}
		registration, err := r.decodeRegistration(i)
		customer.Registrations = append(customer.Registrations, registration)
		return err
	})
	return customer, err
}

// maxMoves is the maximum number of registrations in one transaction. It keeps the
// transaction below DynamoDB's 100 items: each registration takes two writes, and a
// link takes three more.
const maxMoves = 45

func (r *Registry) moveOnce(ctx context.Context, customer onboarding.Customer) error {
	registrations := customer.Registrations
	for len(registrations) > maxMoves {
		if err := r.moveTogether(ctx, nil, registrations[:maxMoves]); err != nil {
			return err
		}
		registrations = registrations[maxMoves:]
	}
	if customer.Link.CustomerID == "" {
		return r.moveTogether(ctx, nil, registrations)
	}
	link := customer.Link
	for _, registration := range customer.Registrations {
		if known := link.Account == registration.Account || link.Bound == registration.Account; !known {
			link.PastAccounts = append(link.PastAccounts, onboarding.PastAccount{Account: registration.Account, Until: registration.ChangedAt})
		}
	}
	if link.Scope == onboarding.ScopeOrganization {
		link.PastAccounts = nil
	}
	return r.moveTogether(ctx, &link, registrations)
}

// moveTogether moves records in one transaction. If a record is already in the current
// place, the later of the two is kept.
func (r *Registry) moveTogether(ctx context.Context, link *onboarding.Link, registrations []onboarding.Registration) error {
	keys := []key{}
	if link != nil {
		keys = append(keys, r.partitioning().linkKey(link.CustomerID))
	}
	for _, registration := range registrations {
		keys = append(keys, r.partitioning().registrationKey(registration.CustomerID, registration.Account))
	}
	there, err := r.getAll(ctx, keys...)
	if err != nil {
		return err
	}
	var writes []types.TransactWriteItem
	for _, registration := range registrations {
		moved, err := r.registrationMove(registration, there)
		if err != nil {
			return err
		}
		writes = append(writes, moved...)
	}
	if link != nil {
		moved, err := r.linkMove(*link, registrations, there)
		if err != nil {
			return err
		}
		writes = append(writes, moved...)
	}
	if len(writes) == 0 {
		return nil
	}
	return r.transact(ctx, writes)
}

func (r *Registry) registrationMove(registration onboarding.Registration, there map[key]item) ([]types.TransactWriteItem, error) {
	at, from := r.partitioning().registrationKey(registration.CustomerID, registration.Account), legacyRegistrationKey(registration.CustomerID, registration.Account)
	condition, values := revisionCondition(registration.Revision)
	writes := []types.TransactWriteItem{r.putWrite(r.tombstone(from), condition, values)}
	before := int64(0)
	if i := there[at]; i != nil {
		newer, err := r.decodeRegistration(i)
		if err != nil || !newer.ChangedAt.Before(registration.ChangedAt) {
			return writes, err
		}
		before = newer.Revision
	}
	registration.Legacy = false
	written, err := r.registrationItem(&registration, max(before, registration.Revision-1))
	if err != nil {
		return nil, err
	}
	condition, values = revisionCondition(before)
	return append(writes, r.putWrite(written, condition, values)), nil
}

func (r *Registry) linkMove(link onboarding.Link, registrations []onboarding.Registration, there map[key]item) ([]types.TransactWriteItem, error) {
	condition, values := revisionCondition(link.Revision)
	writes := []types.TransactWriteItem{r.putWrite(r.tombstone(legacyLinkKey(link.CustomerID)), condition, values)}
	if there[r.partitioning().linkKey(link.CustomerID)] != nil {
		return writes, nil
	}
	link.Legacy = false
	written, err := r.linkItem(link)
	if err != nil {
		return nil, err
	}
	writes = append(writes, r.putWrite(written, "attribute_not_exists(pk)", nil))
	if !link.Bound.IsZero() || link.Reservation != nil {
		bound, err := bindingItem(link)
		if err != nil {
			return nil, err
		}
		writes = append(writes, r.putWrite(bound, "attribute_not_exists(pk)", nil))
	}
	// An account that has not registered yet gets a tombstone, so that an older
	// registrar that is handling its request does not register it in the former place.
	expected := link.Account
	absent := !slices.ContainsFunc(registrations, func(r onboarding.Registration) bool { return r.Account == expected })
	if !expected.IsZero() && absent {
		writes = append(writes, r.fence(link.CustomerID, expected))
	}
	return writes, nil
}

func (r *Registry) fence(customer string, expected account.ID) types.TransactWriteItem {
	return r.putWrite(r.tombstone(legacyRegistrationKey(customer, expected)), "attribute_not_exists(pk) OR revision = :moved",
		item{":moved": number(tombstoneRevision)})
}

// seal records the current layout in the hub's item and moves the key to an item of its
// own. After that older releases read and write nothing. It returns the time at which
// the table was sealed.
func (r *Registry) seal(ctx context.Context) (time.Time, error) {
	found, err := r.get(ctx, hubKey)
	if err != nil {
		return time.Time{}, err
	}
	if r.readLayout(found) != legacyLayout {
		return time.UnixMilli(numberOf(found, "settling")), nil
	}
	now := r.now()
	hub, err := r.HubAndKey(ctx)
	if err != nil {
		return now, err
	}
	before := hub.Revision
	hub.Revision++
	written, err := hubItem(hub, r.partitioning())
	if err != nil {
		return now, err
	}
	written["settling"] = millis(now)
	condition, values := revisionCondition(before)
	err = r.transact(ctx, []types.TransactWriteItem{
		r.putWrite(written, condition, values),
		r.putWrite(secretItem(hub.Key), "attribute_not_exists(pk)", nil),
	})
	if conflicts(err) {
		err = ErrConflict
	}
	return now, err
}

// hasStragglers reports whether a registrar of the first release may still write a
// registration that Migrate could not predict: such a registrar is running, and some
// link is for an organization. By then all links are in the current place, including
// those moved by a process that crashed.
func (r *Registry) hasStragglers(ctx context.Context) (bool, error) {
	heard := false
	err := r.query(ctx, allOf(registrarsPartition), func(i item) error {
		at, err := time.Parse(time.RFC3339Nano, textOf(i, "at"))
		heard = heard || err == nil && numberOf(i, "layout") < currentLayoutVersion && r.now().Sub(at) < heartbeatTimeout
		return nil
	})
	if err != nil || !heard {
		return false, err
	}
	organizations := false
	for n := range int(r.partitioning()) {
		err := r.query(ctx, allOf(linkPartition(n)), func(i item) error {
			link, err := r.decodeLink(i)
			organizations = organizations || link.Scope == onboarding.ScopeOrganization
			return err
		})
		if err != nil {
			return false, err
		}
	}
	return organizations, nil
}

// heartbeatTimeout is the age of its last heartbeat at which a registrar counts as
// stopped; registrars send one every minute.
const heartbeatTimeout = 5 * time.Minute
