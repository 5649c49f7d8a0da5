// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package leastpolicy

import "github.com/xacct/terraform-provider-xacct/internal/iampolicy"

// events lets the caller tell the hub's event bus, where it has one, and take
// out of the outbox what was told. Nothing else in the registry can be deleted.
func (h Parts) events(actions ...string) []iampolicy.Statement {
	if h.EventBus.IsZero() {
		return nil
	}
	outbox := allow("Outbox", h.table(), "dynamodb:DeleteItem")
	outbox.Condition = iampolicy.Conditions{"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": {h.Outbox}}}
	return []iampolicy.Statement{allow("Events", []string{h.EventBus.String()}, actions...), outbox}
}
