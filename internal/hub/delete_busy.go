// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package hub

import (
	"context"
	"fmt"
	"strconv"

	"github.com/xacct/terraform-provider-xacct/internal/awsclient"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// BusyError indicates that messages wait in the hub's queue: these are requests of
// customers' stacks, which would get no answer if the hub were deleted.
type BusyError struct {
	Hub      string
	Messages int
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("%s %s in the queue of hub %s, or %s being handled",
		onboarding.Counted(e.Messages, "message"), onboarding.Plural(e.Messages, "waits", "wait"), e.Hub, onboarding.Plural(e.Messages, "is", "are"))
}

func (h *Manager) refuseBusy(ctx context.Context, record registry.HubRecord, force bool) error {
	if force || record.QueueURL == "" {
		return nil
	}
	messages, err := h.waiting(ctx, record.QueueURL)
	if err == nil && messages > 0 {
		if err = h.dropSelfTests(ctx, record.QueueURL); err == nil {
			messages, err = h.waiting(ctx, record.QueueURL)
		}
	}
	if err == nil && messages > 0 {
		return &BusyError{h.name, messages}
	}
	return err
}

// waiting returns the number of messages in a queue, including those that a registrar
// has just received. SQS's counts are up to a minute old (aws-facts 14.1).
func (h *Manager) waiting(ctx context.Context, url string) (messages int, err error) {
	attributes, err := h.queueAttributes(ctx, url)
	if awsclient.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, h.clients.Explain(err, h.queueARN(QueueName(h.name)))
	}
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
		n, err := strconv.Atoi(attributes[name])
		if err != nil {
			return 0, fmt.Errorf("queue %s has the invalid value %q of %s: %w", QueueName(h.name), attributes[name], name, err)
		}
		messages += n
	}
	return messages, nil
}
