// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

const (
	maxTransaction      = 100
	maxTransactionBytes = 4 << 20
	tokenLife           = 10 * time.Minute
)

// tokenKey identifies a client request token: a request with the same token is
// executed only once.
type tokenKey struct{ account, region, token string }

type idempotent struct {
	request [sha256.Size]byte
	expires time.Time
}

// transactWrite is one member of a TransactWriteItems request; exactly one of
// its fields is set.
type transactWrite struct {
	ConditionCheck *struct {
		conditional
		TableName string
		Key       attr.Item
	}
	Put *struct {
		conditional
		TableName string
		Item      attr.Item
	}
	Delete *struct {
		conditional
		TableName string
		Key       attr.Item
	}
	Update *struct {
		conditional
		TableName        string
		Key              attr.Item
		UpdateExpression *string
	}
}

type transactWriteItemsInput struct {
	statistics
	ClientRequestToken string
	TransactItems      []transactWrite
}

// transactWriteItems executes all of its writes or none. Because one lock
// guards all tables, transactions never conflict.
func (s *Service) transactWriteItems(c *kernel.Call, in *transactWriteItemsInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := in.check(); err != nil {
		return nil, err
	}
	if len(in.TransactItems) == 0 || len(in.TransactItems) > maxTransaction {
		return nil, invalid("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to %d and greater than or equal to 1", maxTransaction)
	}
	writes := make([]*write, len(in.TransactItems))
	for i, item := range in.TransactItems {
		w, err := s.transactWrite(c, item)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(writes[:i], w.sameItem) {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		writes[i] = w
	}
	done, err := s.seen(c, in)
	if err != nil || done {
		return nil, err
	}
	if err := evaluateAll(writes); err != nil {
		return nil, err
	}
	now := s.env.Clock.Now()
	for _, w := range writes {
		w.commit(now)
	}
	s.remember(c, in)
	return nil, nil
}

func (w *write) sameItem(other *write) bool {
	return w.table == other.table && w.key.Equal(other.key)
}

// transactWrite authorizes and parses one member. Each needs the permission of
// the single call.
func (s *Service) transactWrite(c *kernel.Call, in transactWrite) (*write, error) {
	var found []*write
	var errs []error
	take := func(table, action string, key attr.Item, w *write, on conditional, updateText *string) {
		found = append(found, w)
		errs = append(errs, s.prepareTransactWrite(c, table, action, key, w, on, updateText))
	}
	if check := in.ConditionCheck; check != nil {
		if check.ConditionExpression == nil {
			return nil, invalid("1 validation error detected: Value null at 'transactItems.conditionCheck.conditionExpression' failed to satisfy constraint: Member must not be null")
		}
		take(check.TableName, "ConditionCheckItem", check.Key, &write{check: true}, check.conditional, nil)
	}
	if put := in.Put; put != nil {
		if put.Item == nil {
			put.Item = attr.Item{}
		}
		take(put.TableName, "PutItem", nil, &write{put: put.Item}, put.conditional, nil)
	}
	if remove := in.Delete; remove != nil {
		take(remove.TableName, "DeleteItem", remove.Key, &write{}, remove.conditional, nil)
	}
	if update := in.Update; update != nil {
		if update.UpdateExpression == nil {
			return nil, invalid("1 validation error detected: Value null at 'transactItems.update.updateExpression' failed to satisfy constraint: Member must not be null")
		}
		take(update.TableName, "UpdateItem", update.Key, &write{upsert: true}, update.conditional, update.UpdateExpression)
	}
	if len(found) != 1 {
		return nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	return found[0], errs[0]
}

func (s *Service) prepareTransactWrite(c *kernel.Call, name, action string, key attr.Item, w *write, on conditional, updateText *string) error {
	item := key
	if w.put != nil {
		item = w.put
	}
	t, err := s.findActive(c, name, action, item)
	if err != nil {
		return err
	}
	w.table, w.key = t, key
	if w.put != nil {
		err, w.key = t.checkItem(w.put), t.keyOf(w.put)
	} else {
		err = t.checkKey(key)
	}
	if err != nil {
		return err
	}
	return w.prepare(on, updateText)
}

// evaluateAll evaluates every write. If some fail, it returns one error with a
// reason for each write, in their order.
func evaluateAll(writes []*write) error {
	codes, reasons := make([]string, len(writes)), make([]map[string]any, len(writes))
	cancelled := false
	size := 0
	for i, w := range writes {
		codes[i], reasons[i] = "None", map[string]any{"Code": "None"}
		var failed *kernel.Error
		if err := w.evaluate(); errors.As(err, &failed) {
			cancelled = true
			codes[i] = map[string]string{"ConditionalCheckFailedException": "ConditionalCheckFailed", "ValidationException": "ValidationError"}[failed.Code]
			reasons[i] = map[string]any{"Code": codes[i], "Message": failed.Message}
			if item, ok := failed.Fields["Item"]; ok {
				reasons[i]["Item"] = item
			}
		}
		size += w.new.Size()
	}
	if size > maxTransactionBytes {
		return invalid("Collective size of items in the transaction exceeds the maximum of 4 MB")
	}
	if !cancelled {
		return nil
	}
	err := kernel.Errorf(http.StatusBadRequest, "TransactionCanceledException",
		"Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", "))
	err.Fields = map[string]any{"CancellationReasons": reasons}
	return err
}

// seen reports whether this request was executed before with its token. It
// returns an error if another request was. It also drops expired tokens.
func (s *Service) seen(c *kernel.Call, in *transactWriteItemsInput) (bool, error) {
	for now := s.env.Clock.Now(); len(s.order) > 0 && !now.Before(s.tokens[s.order[0]].expires); s.order = s.order[1:] {
		delete(s.tokens, s.order[0])
	}
	earlier, ok := s.tokens[s.token(c, in)]
	if !ok || in.ClientRequestToken == "" {
		return false, nil
	}
	if earlier.request != digest(in) {
		return false, kernel.Errorf(http.StatusBadRequest, "IdempotentParameterMismatchException", "Another request with the same ClientRequestToken was sent before with other parameters")
	}
	return true, nil
}

func (s *Service) remember(c *kernel.Call, in *transactWriteItemsInput) {
	if in.ClientRequestToken != "" {
		key := s.token(c, in)
		s.tokens[key] = idempotent{digest(in), s.env.Clock.Now().Add(tokenLife)}
		s.order = append(s.order, key)
	}
}

func (s *Service) token(c *kernel.Call, in *transactWriteItemsInput) tokenKey {
	return tokenKey{c.Principal.Account, c.Region, in.ClientRequestToken}
}

// digest returns a hash of a request's content, which does not depend on the
// formatting of its JSON.
func digest(in *transactWriteItemsInput) [sha256.Size]byte {
	b, err := json.Marshal(in)
	if err != nil {
		panic(err) // it was decoded from JSON
	}
	return sha256.Sum256(b)
}

type transactGetItemsInput struct {
	statistics
	TransactItems []struct {
		Get *struct {
			projected
			TableName string
			Key       attr.Item
		}
	}
}

func (s *Service) transactGetItems(c *kernel.Call, in *transactGetItemsInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := in.check(); err != nil {
		return nil, err
	}
	if len(in.TransactItems) == 0 || len(in.TransactItems) > maxTransaction {
		return nil, invalid("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to %d and greater than or equal to 1", maxTransaction)
	}
	responses := make([]map[string]any, len(in.TransactItems))
	for i, member := range in.TransactItems {
		if member.Get == nil {
			return nil, invalid("1 validation error detected: Value null at 'transactItems.get' failed to satisfy constraint: Member must not be null")
		}
		t, err := s.findActive(c, member.Get.TableName, "GetItem", member.Get.Key)
		if err != nil {
			return nil, err
		}
		projection, err := member.Get.parse()
		if err != nil {
			return nil, err
		}
		if err := t.checkKey(member.Get.Key); err != nil {
			return nil, err
		}
		responses[i] = itemResult("Item", projection.Apply(t.get(member.Get.Key)))
	}
	return map[string]any{"Responses": responses}, nil
}
