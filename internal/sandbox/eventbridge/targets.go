// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package eventbridge

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/kernel"
	"github.com/xacct/terraform-provider-xacct/internal/sandbox/sqs"
)

// dispatch sends events to queues. Events that a queue refuses are lost, as on AWS
// after its retries.
func (s *Service) dispatch(c *kernel.Call, deliveries []sqs.Delivery) {
	for _, d := range deliveries {
		_ = s.queues.Deliver(c.Context, d)
	}
}

// deliveries returns a delivery of an event to each target of the rules that match
// it. The caller holds the lock.
func (s *Service) deliveries(event Event) []sqs.Delivery {
	if event.Dropped {
		return nil
	}
	body, err := json.Marshal(event)
	var object any
	if err != nil || json.Unmarshal(body, &object) != nil {
		return nil
	}
	var all []sqs.Delivery
	for key, r := range s.rules {
		var pattern map[string]any
		if key.bus.arn() != event.Bus || r.state != "ENABLED" || json.Unmarshal([]byte(r.pattern), &pattern) != nil || !matches(pattern, object) {
			continue
		}
		for _, id := range slices.Sorted(maps.Keys(r.targets)) {
			all = append(all, sqs.Delivery{
				Queue: r.targets[id], Principal: &kernel.Principal{Service: "events.amazonaws.com"}, SourceARN: key.arn(), Body: string(body),
			})
		}
	}
	return all
}
