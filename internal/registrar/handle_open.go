// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package registrar

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
	"github.com/xacct/terraform-provider-xacct/internal/phonehome"
)

// decode parses the request from the message. A message that is not a phone-home of
// this hub goes to the dead-letter queue.
func (h *handling) decode(ctx context.Context) *Disposition {
	if end := h.selfTest(ctx); end != nil {
		return end
	}
	request, err := phonehome.Decode(h.body)
	if err == nil {
		err = h.checkTopic(request.Topic)
	}
	if err != nil {
		h.config.Logger.Warn("message sent to the dead-letter queue", "reason", err)
		return &Disposition{Action: DeadLetter, Reason: err.Error()}
	}
	h.request = request
	h.log = h.config.Logger.With("type", request.Type, "account", request.Stack.Account,
		"stack", request.Stack, "resource", request.LogicalID, "request", request.RequestID)
	return nil
}

// selfTest records that a self-test has arrived, for the apply that waits for it. It
// returns nil if the message is not a self-test. The signature is not verified: a
// sender that knows the nonce either is that apply or has read the nonce in the
// queue.
func (h *handling) selfTest(ctx context.Context) *Disposition {
	envelope, err := phonehome.DecodeEnvelope(h.body)
	if err != nil {
		return nil
	}
	nonce, ok := envelope.SelfTest()
	if !ok || h.checkTopic(envelope.TopicARN) != nil {
		return nil
	}
	if age := h.config.Clock().Sub(envelope.Timestamp); age > selfTestPatience {
		return &Disposition{Action: Done}
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if err := h.config.Registry.RecordSelfTest(ctx, nonce, envelope.TopicARN); err != nil {
		h.config.Logger.Warn("a self-test was received but could not be recorded; trying again", "topic", envelope.TopicARN, "error", err)
		return retry(soon)
	}
	return &Disposition{Action: Done}
}

// selfTestPatience is the age above which a self-test is dropped. No apply waits that
// long.
const selfTestPatience = 10 * time.Minute

// checkTopic returns an error unless the topic is one of the hub's own.
func (h *handling) checkTopic(topic account.TopicARN) error {
	hub := h.config.Hub
	shard, ok := strings.CutPrefix(topic.Name, "xacct-"+hub.Name+"-")
	if n, err := strconv.Atoi(shard); !ok || err != nil || n < 0 || strconv.Itoa(n) != shard || topic.Account != hub.Account {
		return fmt.Errorf("topic %s is not one of hub %s", topic, hub.Name)
	}
	return nil
}

// limitAccount requeues a request if the workers are already handling as many requests of
// its account as they may.
func (h *handling) limitAccount(context.Context) *Disposition {
	leave, wait := h.accountLimiter.acquire(h.request, h.config.Clock())
	if leave == nil {
		h.log.Debug("too many requests of this account are in progress; request requeued", "wait", wait)
		return retry(wait)
	}
	h.releases = append(h.releases, leave)
	return nil
}
