// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// answerLifetime is how long answers and the tombstones of stacks are kept: SNS retries
// for 23 days and SQS keeps a message for 14, so no request arrives after that time.
const answerLifetime = 60 * 24 * time.Hour

// Load returns all records on which a request depends, read consistently. Their keys
// depend on the hub's item, the stack's customer and that customer's link; Load guesses
// them in its first call, so that one call is usually enough. Items that were read
// because of a wrong guess are ignored.
//
// before is the snapshot that an earlier Load returned for the request, if any.
// Concurrent loads share calls.
func (r *Registry) Load(ctx context.Context, request phonehome.Request, before onboarding.Snapshot) (onboarding.Snapshot, error) {
	stack := stackKey(request.Stack)
	answer := answerKey(request.Stack, request.LogicalID, request.RequestID)
	promise := promiseKey(request.Stack, request.LogicalID, request.Properties)
	moved := promiseKey(request.Stack, request.LogicalID, request.OldProperties)
	keys := []key{hubKey, stack, answer, promise}
	if request.Type == phonehome.Update {
		keys = append(keys, moved)
	}
	claim, claimed := key{}, false
	if external, err := account.ParseExternalID(request.Properties.ExternalID); err == nil {
		claim, claimed = claimKey(external), true
		keys = append(keys, claim)
	}
	found := loader{registry: r}
	if err := found.get(ctx, append(keys, r.predictKeys(request, before)...)...); err != nil {
		if awsclient.IsNotFound(err) {
			err = ErrNoHub
		}
		return onboarding.Snapshot{}, fmt.Errorf("load stack %s from table %s: %w", request.Stack, r.table, err)
	}
	if found.items[hubKey] == nil {
		return onboarding.Snapshot{}, fmt.Errorf("hub %s: %w", r.hub, ErrNoHub)
	}
	snapshot, err := r.decodeStackSide(request, found.items[hubKey], found.items[stack], found.items[answer])
	if err != nil {
		return onboarding.Snapshot{}, err
	}
	snapshot.Promised = found.items[promise] != nil
	snapshot.PromisedBefore = request.Type == phonehome.Update && found.items[moved] != nil
	customer := snapshot.Stack.CustomerID
	if customer == "" && claimed && found.items[claim] != nil {
		if err := r.checkSchema(claim, found.items[claim]); err != nil {
			return onboarding.Snapshot{}, err
		}
		customer = textOf(found.items[claim], "customer")
	}
	if customer == "" {
		return snapshot, nil
	}
	return r.loadCustomer(ctx, snapshot, customer, r.readLayout(found.items[hubKey]), &found)
}

// decodeStackSide returns a snapshot with the hub, the stack and the answer of a
// request.
func (r *Registry) decodeStackSide(request phonehome.Request, hub, stack, answer item) (onboarding.Snapshot, error) {
	record, err := r.decodeHub(hub)
	if err != nil {
		return onboarding.Snapshot{}, err
	}
	snapshot := onboarding.Snapshot{Hub: record.Hub, Stack: onboarding.Stack{ID: request.Stack}}
	if stack != nil {
		if snapshot.Stack, err = decode[onboarding.Stack](r, stackKey(request.Stack), stack); err != nil {
			return onboarding.Snapshot{}, err
		}
		snapshot.Stack.Revision = numberOf(stack, "revision")
	}
	if answer != nil {
		stored, err := decode[onboarding.Answer](r, answerKey(request.Stack, request.LogicalID, request.RequestID), answer)
		if err != nil {
			return onboarding.Snapshot{}, err
		}
		snapshot.Answer = &stored
	}
	return snapshot, nil
}

// loadCustomer returns the snapshot with the customer's link and their registration in
// the stack's account.
func (r *Registry) loadCustomer(ctx context.Context, snapshot onboarding.Snapshot, customer string, place layout, found *loader) (onboarding.Snapshot, error) {
	in := snapshot.Stack.ID.Account
	keys := r.customerKeys(customer, in)
	if place == legacyLayout {
		keys = append(keys, legacyLinkKey(customer), legacyRegistrationKey(customer, in))
	}
	err := found.get(ctx, keys...)
	if awsclient.IsAccessDenied(err) && place == legacyLayout {
		err = r.notMigrated(err)
	}
	if err == nil {
		snapshot.Link, err = r.linkOf(customer, found.items)
	}
	if err == nil && snapshot.Link != nil {
		err = found.resolveSet(ctx, snapshot.Link)
	}
	if err == nil {
		snapshot.Registration, err = r.registrationOf(customer, in, found.items)
	}
	if err != nil {
		return onboarding.Snapshot{}, fmt.Errorf("load customer %s from table %s: %w", customer, r.table, err)
	}
	return snapshot, nil
}

// registrationOf returns the registration of an account among items, or nil if it is
// not among them.
func (r *Registry) registrationOf(customer string, in account.ID, items map[key]item) (*onboarding.Registration, error) {
	i, isFormer := items[r.partitioning().registrationKey(customer, in)], false
	if before := items[legacyRegistrationKey(customer, in)]; i == nil && before != nil && !isTombstone(before) {
		i, isFormer = before, true
	}
	if i == nil {
		return nil, nil
	}
	registration, err := r.decodeRegistration(i)
	registration.Legacy = isFormer
	return &registration, err
}

// StoreAnswer stores the answer to a request before it is sent. If an answer is stored
// already, StoreAnswer returns that one, which the caller must send instead. The error
// is ErrConflict if the stack or the registration has changed since the snapshot, or if
// the snapshot has one of them from before a commit and the other from after it: then
// the answer was decided on a state that no longer exists, or never did. It is also
// ErrConflict if the answer was to reserve the link, and another account has reserved
// it first.
func (r *Registry) StoreAnswer(ctx context.Context, snapshot onboarding.Snapshot, answer onboarding.Answer) (onboarding.Answer, error) {
	if _, err := r.isMigrated(ctx); err != nil {
		return onboarding.Answer{}, fmt.Errorf("read hub %s from table %s: %w", r.hub, r.table, err)
	}
	k := answerKey(answer.Stack, answer.LogicalID, answer.RequestID)
	if answer.State == "" {
		answer.State = onboarding.AnswerStored
	}
	written, err := r.answerItem(answer)
	if err != nil {
		return onboarding.Answer{}, err
	}
	condition, values := revisionCondition(snapshot.Stack.Revision)
	writes := []types.TransactWriteItem{
		r.putWrite(written, "attribute_not_exists(pk)", nil),
		{ConditionCheck: &types.ConditionCheck{
			TableName:                 &r.table,
			Key:                       stackKey(answer.Stack).item(),
			ConditionExpression:       &condition,
			ExpressionAttributeValues: values,
		}},
	}
	if unmoved := r.registrationCheck(snapshot); unmoved != nil {
		writes = append(writes, *unmoved)
	}
	if answer.Change.Binds && snapshot.Link != nil {
		reserved, err := r.bindingWrite(snapshot.Link.Reserve(answer))
		if err != nil {
			return onboarding.Answer{}, err
		}
		writes = append(writes, reserved)
	}
	if answer.Promises() {
		promise := promiseKey(answer.Stack, answer.LogicalID, answer.Change.Properties).item()
		promise["expires"] = unixTime(r.now().Add(answerLifetime))
		writes = append(writes, types.TransactWriteItem{Put: &types.Put{TableName: &r.table, Item: promise}})
	}
	err = r.transact(ctx, writes)
	if err == nil {
		return answer, nil
	}
	if stored, failed := failedItem(err, 0); failed {
		return decode[onboarding.Answer](r, k, stored)
	}
	if awsclient.IsConditionFailed(err) {
		return onboarding.Answer{}, fmt.Errorf("store the answer to request %s of stack %s: %w", answer.RequestID, answer.Stack, ErrConflict)
	}
	return onboarding.Answer{}, fmt.Errorf("store the answer to request %s of stack %s: %w", answer.RequestID, answer.Stack, err)
}

func (r *Registry) answerItem(answer onboarding.Answer) (item, error) {
	written, err := encode(answerKey(answer.Stack, answer.LogicalID, answer.RequestID), answer)
	if err != nil {
		return nil, err
	}
	written["answer_state"] = text(string(answer.State))
	written["expires"] = unixTime(r.now().Add(answerLifetime))
	return written, nil
}

// Commit writes all changes of an accepted answer in one transaction: the state of the
// answer, the stack, the registration, the binding of an open link, the history, and
// the event if the hub has a receiver. The error is ErrConflict if any record on which
// the transition depends has changed: the caller must then load and apply again. It is
// onboarding.ErrCommitted if the answer was committed before.
func (r *Registry) Commit(ctx context.Context, snapshot onboarding.Snapshot, answer onboarding.Answer, transition onboarding.Transition) error {
	if _, err := r.isMigrated(ctx); err != nil {
		return fmt.Errorf("read hub %s from table %s: %w", r.hub, r.table, err)
	}
	writes, err := r.commitWrites(snapshot, answer, transition)
	if err != nil {
		return err
	}
	err = r.transact(ctx, writes)
	if err == nil {
		return nil
	}
	if _, failed := failedItem(err, 0); failed {
		return fmt.Errorf("commit request %s of stack %s: %w", answer.RequestID, answer.Stack, onboarding.ErrCommitted)
	}
	if awsclient.IsConditionFailed(err) || awsclient.IsContended(err) {
		return fmt.Errorf("commit request %s of stack %s: %w", answer.RequestID, answer.Stack, ErrConflict)
	}
	return fmt.Errorf("commit request %s of stack %s: %w", answer.RequestID, answer.Stack, err)
}

// commitWrites returns the writes of a commit. The first is the answer's.
func (r *Registry) commitWrites(snapshot onboarding.Snapshot, answer onboarding.Answer, t onboarding.Transition) ([]types.TransactWriteItem, error) {
	answer.State = onboarding.AnswerCommitted
	written, err := r.answerItem(answer)
	if err != nil {
		return nil, err
	}
	writes := []types.TransactWriteItem{r.putWrite(written,
		"attribute_not_exists(answer_state) OR answer_state <> :committed",
		item{":committed": text(string(onboarding.AnswerCommitted))})}

	if t.Stack != nil {
		written, err := stackItem(*t.Stack, snapshot.Stack.Revision)
		if err != nil {
			return nil, err
		}
		condition, values := revisionCondition(snapshot.Stack.Revision)
		writes = append(writes, r.putWrite(written, condition, values))
	}
	if t.Registration != nil {
		registered, err := r.registrationWrites(snapshot, t)
		if err != nil {
			return nil, err
		}
		writes = append(writes, registered...)
	}
	if t.Link != nil {
		bound, err := r.bindingWrite(*t.Link)
		if err != nil {
			return nil, err
		}
		writes = append(writes, bound)
	}
	if t.History != nil {
		written, err := historyItem(*t.History)
		if err != nil {
			return nil, err
		}
		writes = append(writes, types.TransactWriteItem{Put: &types.Put{TableName: &r.table, Item: written}})
	}
	event, err := r.outboxWrite(snapshot.Hub, t.Event)
	return append(writes, event...), err
}

// registrationWrites returns the writes of a commit's registration, to the place of the
// snapshot's registration, or of its link for the first registration of an account.
func (r *Registry) registrationWrites(snapshot onboarding.Snapshot, t onboarding.Transition) ([]types.TransactWriteItem, error) {
	registration, before := *t.Registration, int64(0)
	var writes []types.TransactWriteItem
	if s := snapshot.Registration; s != nil && s.CustomerID == registration.CustomerID && s.Account == registration.Account {
		before, registration.Legacy = s.Revision, s.Legacy
	} else if link := snapshot.Link; link != nil && link.Legacy {
		registration.Legacy = true
		if t.Link == nil {
			writes = append(writes, r.legacyLinkCheck(*link))
		}
	}
	written, err := r.registrationItem(&registration, before)
	if err != nil {
		return nil, err
	}
	condition, values := revisionCondition(before)
	return append(writes, r.putWrite(written, condition, values)), nil
}

// stackItem returns the stack's item with the revision after before. If all resources
// of the stack are deleted, the item expires after the last request that could still
// arrive.
func stackItem(stack onboarding.Stack, before int64) (item, error) {
	stack.Revision = before + 1
	written, err := encode(stackKey(stack.ID), stack)
	if err != nil {
		return nil, err
	}
	written["revision"] = number(stack.Revision)
	var last time.Time
	for _, resource := range stack.Resources {
		if resource.DeletedAt.IsZero() {
			return written, nil
		}
		if resource.DeletedAt.After(last) {
			last = resource.DeletedAt
		}
	}
	if !last.IsZero() {
		written["expires"] = unixTime(last.Add(answerLifetime))
	}
	return written, nil
}

// AddHistory adds a history entry for a customer without any other change. Such entries
// are kept like refusals: only the latest of a kind and day.
func (r *Registry) AddHistory(ctx context.Context, entry onboarding.HistoryEntry) error {
	k := refusalKey(entry)
	written, err := encode(k, entry)
	if err != nil {
		return err
	}
	written["expires"] = unixTime(entry.At.Add(answerLifetime))
	if _, err := r.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &r.table, Item: written}); err != nil {
		return fmt.Errorf("write record %s: %w", k, err)
	}
	return nil
}

// RefuseAnswer records that S3 refused the answer because it was forged or too late,
// and releases the reservation of the answer. It does nothing else, and nothing at all
// if the answer was committed.
func (r *Registry) RefuseAnswer(ctx context.Context, answer onboarding.Answer) error {
	answer.State = onboarding.AnswerRefused
	written, err := r.answerItem(answer)
	if err != nil {
		return err
	}
	condition := "answer_state <> :committed"
	_, err = r.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                 &r.table,
		Item:                      written,
		ConditionExpression:       &condition,
		ExpressionAttributeValues: item{":committed": text(string(onboarding.AnswerCommitted))},
	})
	var failed *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &failed) {
		return fmt.Errorf("record that the answer to request %s of stack %s was refused: %w", answer.RequestID, answer.Stack, err)
	}
	if failed != nil {
		return nil
	}
	if err := r.releaseLink(ctx, answer); err != nil {
		return fmt.Errorf("release the reservation of the answer to request %s of stack %s: %w", answer.RequestID, answer.Stack, err)
	}
	return nil
}
