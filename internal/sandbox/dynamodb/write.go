// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package dynamodb

import (
	"net/http"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/attr"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/dynamodb/expr"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
)

// placeholders are the two parameters that every expression may use.
type placeholders struct {
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues attr.Item
}

// conditional holds the parameters of a write that has a condition on the item.
type conditional struct {
	placeholders
	ConditionExpression                 *string
	ReturnValuesOnConditionCheckFailure string
}

// write is one write that was parsed and checked but not yet executed: a
// transaction evaluates all of its writes before it executes any.
type write struct {
	table     *table
	key       attr.Item
	condition *expr.Condition
	returnOld bool // with a failed condition

	check  bool         // ConditionCheck: changes nothing
	put    attr.Item    // Put
	update *expr.Update // Update; nil with upsert: the key alone
	upsert bool         // Update
	// None of these: Delete.

	old, new attr.Item
}

// prepare parses the expressions of a write; updateText is nil except for
// Update.
func (w *write) prepare(in conditional, updateText *string) error {
	params := &expr.Params{Names: in.ExpressionAttributeNames, Values: in.ExpressionAttributeValues}
	if err := params.Check(in.ConditionExpression != nil || updateText != nil); err != nil {
		return invalid("%v", err)
	}
	switch in.ReturnValuesOnConditionCheckFailure {
	case "", "NONE":
	case "ALL_OLD":
		w.returnOld = true
	default:
		return badEnum(in.ReturnValuesOnConditionCheckFailure, "returnValuesOnConditionCheckFailure", "ALL_OLD, NONE")
	}
	var err error
	if updateText != nil {
		if w.update, err = expr.ParseUpdate(*updateText, params); err != nil {
			return invalid("Invalid UpdateExpression: %v", err)
		}
		if err := w.checkUpdatesNoKey(); err != nil {
			return err
		}
	}
	if in.ConditionExpression != nil {
		if w.condition, err = expr.ParseCondition(*in.ConditionExpression, params); err != nil {
			return invalid("Invalid ConditionExpression: %v", err)
		}
	}
	if err := params.Unused(); err != nil {
		return invalid("%v", err)
	}
	return nil
}

func badEnum(value, member, set string) error {
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]", value, member, set)
}

func (w *write) checkUpdatesNoKey() error {
	for _, path := range w.update.Paths() {
		if w.table.isKey(path[0].Name) {
			return invalid("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", path[0].Name)
		}
	}
	return nil
}

// evaluate checks the condition with the current item, and computes the item
// that the write would store. It does not change the table.
func (w *write) evaluate() error {
	w.old = w.table.get(w.key)
	if w.condition != nil && !w.condition.Holds(w.old) {
		failed := kernel.Errorf(http.StatusBadRequest, "ConditionalCheckFailedException", "The conditional request failed")
		if w.returnOld && w.old != nil {
			failed.Fields = map[string]any{"Item": w.old}
		}
		return failed
	}
	switch {
	case w.check:
		w.new = w.old
	case w.put != nil:
		w.new = w.put
	case w.upsert:
		return w.evaluateUpdate()
	}
	return nil
}

func (w *write) evaluateUpdate() error {
	before := w.old
	if before == nil {
		before = w.key
	}
	w.new = before
	if w.update == nil {
		return nil
	}
	after, err := w.update.Apply(before)
	if err != nil {
		return invalid("%v", err)
	}
	w.new = after
	if after.Size() > maxItemBytes {
		return invalid("Item size to update has exceeded the maximum allowed size")
	}
	return nil
}

// commit stores the item that evaluate has computed, or removes the old one.
func (w *write) commit(now time.Time) {
	if w.check {
		return
	}
	w.table.remember(now, w.key, w.old)
	if w.new == nil {
		w.table.remove(w.key)
	} else {
		w.table.put(w.new)
	}
}

// returned returns the item, or the parts of it, that ReturnValues asks for.
func (w *write) returned(wanted string) attr.Item {
	switch wanted {
	case "ALL_OLD":
		return w.old
	case "ALL_NEW":
		return w.new
	case "UPDATED_OLD":
		return w.touched(w.old)
	case "UPDATED_NEW":
		return w.touched(w.new)
	}
	return nil
}

// touched returns the parts that the update wrote to.
func (w *write) touched(item attr.Item) attr.Item {
	if w.update == nil || item == nil {
		return nil
	}
	return w.update.Touched(item)
}
